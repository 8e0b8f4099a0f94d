"""How far word starts and ends lie from the known ones, on the bundled validation set.

    python -m benchmarks.boundaries

Counted are the utterances rendered word by word (their times are known) that were heard right.
"""

import numpy as np

from asr_core.manifest import read_manifest
from asr_core.recognizer import Recognizer
from benchmarks.recognition import MANIFEST


def main() -> None:
    """Print the median and the 95th percentile of the boundaries' errors."""
    recognizer = Recognizer.load("spoken")
    rows = [row for row in read_manifest(MANIFEST).rows if row.fields["word_times"]]
    errors_s = []
    for i, transcript in recognizer.transcribe_each([row.audio_path for row in rows]):
        if getattr(transcript, "text", None) == rows[i].text:
            known = [time for span in rows[i].fields["word_times"] for time in span]
            found = [time for word in transcript.words for time in (word.start_s, word.end_s)]
            errors_s += list(np.abs(np.subtract(known, found)))
    median, p95 = 1000 * np.quantile(errors_s, [0.5, 0.95])
    print("\n| word boundaries | error, ms |\n|---|---|")
    print(f"| median of {len(errors_s)} | {median:.0f} |\n| 95th percentile | {p95:.0f} |")


if __name__ == "__main__":
    main()
