/// The candidate that a misspelt `word` most likely meant; nil when none is close.
///
/// Close is an edit distance of at most a third of the word, at least two. Cost: words are short, so the
/// textbook table of Levenshtein serves.
package func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
  let limit = max(2, word.utf8.count / 3)
  var best: (name: String, distance: Int)?
  for candidate in candidates {
    let distance = editDistance(Array(word.utf8), Array(candidate.utf8))
    if distance <= limit && distance < (best?.distance ?? .max) { best = (candidate, distance) }
  }
  return best?.name
}

private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
  guard left.count <= 200, right.count <= 200 else { return .max }
  var row = Array(0...right.count)
  for (i, a) in left.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, b) in right.enumerated() {
      let substituted = diagonal + (a == b ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(substituted, min(row[j], row[j + 1]) + 1)
    }
  }
  return row[right.count]
}
