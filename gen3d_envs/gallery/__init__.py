"""A bank of scenes as a static site: pictures, a 3D view, certificates and the line that makes each scene.

Nothing is fetched from elsewhere and nothing needs a server: the pages open from disk.
"""

from gen3d_envs.gallery.site import SiteFacts, write_site

__all__ = ["SiteFacts", "write_site"]
