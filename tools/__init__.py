"""Scripts for developers: contracts, generated documents, the rules' coverage; not shipped."""
