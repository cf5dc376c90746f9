"""What the backend may ask, a file for each feature; `all_features` names them."""
