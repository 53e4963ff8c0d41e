// Where two texts differ, word by word.

/** A word as it sounds, without case and punctuation. */
function bare(word) {
  return word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}

/**
 * Find the words of a text that another text does not have in the same order (longest common subsequence).
 * Case and punctuation are no difference.
 * @param {string} text
 * @param {string} other
 * @returns {{words: string, differs: boolean}[]} The text in runs of words that differ, and that do not.
 */
export function differences(text, other) {
  const words = text.split(/\s+/).filter(Boolean);
  const [mine, theirs] = [words, other.split(/\s+/).filter(Boolean)].map((list) => list.map(bare));
  const common = Array.from({ length: mine.length + 1 }, () => new Uint16Array(theirs.length + 1));
  for (let i = mine.length - 1; i >= 0; i -= 1) {
    for (let j = theirs.length - 1; j >= 0; j -= 1) {
      common[i][j] = mine[i] === theirs[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  const runs = [];
  let j = 0;
  for (let i = 0; i < mine.length; i += 1) {
    while (j < theirs.length && mine[i] !== theirs[j] && common[i][j + 1] >= common[i + 1][j]) j += 1;
    const differs = mine[i] !== theirs[j];
    if (runs.at(-1)?.differs === differs) runs.at(-1).words += ` ${words[i]}`;
    else runs.push({ words: words[i], differs });
    if (!differs) j += 1;
  }
  return runs;
}
