"""The decision soak: the coordinator alone, on random trees, with faulty boards, links and meters around it."""
