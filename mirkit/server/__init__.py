"""The HTTP service: recordings in, annotations out, grids corrected by hand, and a page for it.

``mirkit serve`` runs it. `mirkit.server.app.create_app` returns the application for other servers.
"""
