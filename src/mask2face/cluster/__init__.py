"""Work for many machines: a Ray cluster, photos behind URLs, and shards of photos.

What is done to a photo comes in as a callable: nothing here knows of face masks.
"""
