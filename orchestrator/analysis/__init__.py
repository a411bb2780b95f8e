"""From journal records to estimates."""
