"""What ipse is worth, measured: quality, seconds, memory and stops, beside what a user would take instead.

python -m bench --data DIR      the works (docs/benchmark.md)
python -m bench.loop            where a step's time goes, and what would make it shorter
python -m bench.gpu             the engine's options on a GPU
python -m bench.batch           several fits at once on a CPU
"""
