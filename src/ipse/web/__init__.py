"""The page on which pictures are restored: a server for this machine, and its front end."""
