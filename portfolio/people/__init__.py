"""Centres, sites, people, roles, allocation grants, sign-in and its pages."""
