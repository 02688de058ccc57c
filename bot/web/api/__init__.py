"""REST under ``/api/v1``: one file a resource, one table of operations for the router and the OpenAPI document."""
