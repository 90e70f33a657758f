"""A synthetic lifelog in the layout of Lifelog-6: a drawn life in and around Dublin, for trying everything out.

``places`` (where) and ``day`` (what) make a plausible day; ``body`` has it recorded, ``shots`` has it photographed;
``scenes`` draws the photographs from ``home``, ``office``, ``errands`` and ``outside`` with the tools of ``canvas``
and ``light``; ``tables`` and ``write`` put it all on disk. No figure reached on this data says anything about the
real lifelog.
"""

from ntcir_demo.camera import Box
from ntcir_demo.scenes import CLASSES, render_scene
from ntcir_demo.write import DemoSummary, demo_config, demo_picture, demo_shot, write_demo

__all__ = ["CLASSES", "Box", "DemoSummary", "demo_config", "demo_picture", "demo_shot", "render_scene", "write_demo"]
