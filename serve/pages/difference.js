// Where two texts differ, word by word.

/**
 * Find the words of a text that another text does not have in the same order (longest common subsequence).
 * @param {string} text
 * @param {string} other
 * @returns {{word: string, differs: boolean}[]} The text's words.
 */
export function differences(text, other) {
  const [mine, theirs] = [text, other].map((whole) => whole.split(/\s+/).filter(Boolean));
  const common = Array.from({ length: mine.length + 1 }, () => new Uint16Array(theirs.length + 1));
  for (let i = mine.length - 1; i >= 0; i -= 1) {
    for (let j = theirs.length - 1; j >= 0; j -= 1) {
      common[i][j] = mine[i] === theirs[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  const words = [];
  let j = 0;
  for (let i = 0; i < mine.length; i += 1) {
    while (j < theirs.length && mine[i] !== theirs[j] && common[i][j + 1] >= common[i + 1][j]) j += 1;
    const differs = mine[i] !== theirs[j];
    words.push({ word: mine[i], differs });
    if (!differs) j += 1;
  }
  return words;
}
