"""The quality of annotations: agreement, truth inference, and telling slips from perspectives."""
