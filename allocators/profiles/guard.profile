# Our own. Nothing is known of it that it should not do.
versions * *
retention Drained slabs and large blocks are unmapped at once.
