"""Report forms: one file each."""
