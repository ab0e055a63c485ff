// Made elsewhere.
