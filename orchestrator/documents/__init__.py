"""YAML documents with positions, and the schemas, expressions and templates on them."""
