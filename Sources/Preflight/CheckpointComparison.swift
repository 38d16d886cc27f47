/// Which hosts have another checkpoint than most.
struct CheckpointComparison {
  private let seen: [CheckpointFingerprint?]
  /// What most have of those that can be loaded; the earliest where as many have another.
  let reference: [CheckpointFingerprint.File]?

  init(_ seen: [CheckpointFingerprint?]) {
    self.seen = seen
    let whole = seen.compactMap { $0 }.filter { $0.missing.isEmpty && $0.problem == nil }
    var best: (files: [CheckpointFingerprint.File], count: Int)?
    for candidate in whole {
      let count = whole.count { $0.files == candidate.files }
      if count > best?.count ?? 0 { best = (candidate.files, count) }
    }
    reference = best?.files
  }

  /// What is wrong with the checkpoint of one host, each a sentence without its subject.
  func problems(of place: Int) -> [String] {
    guard let own = seen[place] else { return [] }
    if let first = own.missing.first {
      let more = own.missing.count > 1 ? " and \(own.missing.count - 1) more" : ""
      return [
        "lacks \(own.directory)/\(first)\(more), which the checkpoint's index names; copy all files there"
      ]
    }
    if let problem = own.problem { return ["cannot load the checkpoint: \(problem)"] }
    guard let reference, own.files != reference else { return [] }
    return reference.compactMap { file in
      guard let mine = own.files.first(where: { $0.name == file.name }) else {
        return "has no \(own.directory)/\(file.name), which the others have"
      }
      if mine.byteCount != file.byteCount {
        return "has \(own.directory)/\(file.name) of \(mine.byteCount) bytes, the others \(file.byteCount)"
      }
      return mine.checksum == file.checksum
        ? nil : "has another \(own.directory)/\(file.name) than the others; copy it again"
    }
      + own.files.filter { file in !reference.contains { $0.name == file.name } }.map {
        "has \(own.directory)/\($0.name), which the others have not"
      }
  }
}
