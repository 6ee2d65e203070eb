"""Run folders: what one holds, which belong together, and several read as one."""
