"""From a kernel that is asked for to one that is built, kept and proven."""
