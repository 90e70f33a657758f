"""What commands read and write: runs, qrels, topics, pools and the organisers' CSV. Nothing here imports torch."""
