"""One metrics page for all pods behind one address: scrapes each of them and labels every sample with its pod.

A Prometheus outside the cluster reaches the pods through one address. Sent to any pod at random, its scrapes would
find other counters each time. The hub asks all pods and answers with everything, so nothing is mixed up.

`python -m metrics_hub` runs it. It uses the standard library and prometheus_client, and keeps no samples.
"""

__version__ = "0.1.0"
