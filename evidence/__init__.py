"""Items, revisions, mappings, locators, storage adapters."""
