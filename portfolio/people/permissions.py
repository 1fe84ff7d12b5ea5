"""Permissions of people's pages."""

from portfolio.core.actor import Permission, Role

PEOPLE_MANAGE = Permission("people.manage", frozenset({Role.CENTRE_MANAGER}))
CENTRE_MANAGE = Permission("centre.manage", frozenset({Role.CENTRE_MANAGER}))
OUTBOX_READ = Permission("outbox.read", frozenset({Role.CENTRE_MANAGER, Role.OPERATOR}))
INSTALLATION_RUN = Permission("installation.run", frozenset({Role.OPERATOR}))
