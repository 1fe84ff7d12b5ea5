"""The kit every page uses: dependencies, templates, forms, responses, CSRF, error pages."""
