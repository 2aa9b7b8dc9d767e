"""What tests of buckets share. `store`: a rig.S3Server or a rig.Swift."""

import rig
from scanning import objects

OLD = 1_600_000_000


def source_scan(world, store, *options):
    done = world.mb_scan("--json", "--source", *options, env=store.environment())
    return objects(done)[0]


def raises(*refusal):
    def fault(handler):
        raise rig.s3.Refusal(*refusal)

    return fault
