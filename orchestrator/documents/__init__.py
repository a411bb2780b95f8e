"""YAML documents that know the position of each value; schemas, expressions and templates over them."""
