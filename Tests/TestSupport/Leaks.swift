package import Foundation

/// What a run must not leave behind.
package enum Leaks {
  /// Waits until no process mentions `directory` on its command line and the directory is empty.
  ///
  /// Returns: what is still there at the deadline; empty when nothing is.
  package static func remaining(in directory: URL, deadline: Duration = .seconds(5)) async throws -> [String]
  {
    try await OwnThread.run {
      let end = ContinuousClock.now + deadline
      while true {
        let left = processes(mentioning: directory.path) + files(in: directory)
        if left.isEmpty || ContinuousClock.now > end { return left }
        usleep(20_000)
      }
    }
  }

  /// Ids and command lines of the living processes whose arguments contain `text`.
  package static func processes(mentioning text: String) -> [String] {
    let ids =
      (try? FileManager.default.contentsOfDirectory(atPath: "/proc"))?.filter { Int32($0) != nil } ?? []
    return ids.compactMap { id in
      guard let data = FileManager.default.contents(atPath: "/proc/\(id)/cmdline"), !data.isEmpty else {
        return nil
      }
      let line = String(decoding: data, as: UTF8.self).replacing("\0", with: " ")
      return line.contains(text) ? "process \(id): \(line)" : nil
    }
  }

  /// The living workers whose command line contains `text`, by rank.
  package static func workers(mentioning text: String) -> [(rank: Int, processID: Int32)] {
    processes(mentioning: text).filter { $0.contains(" worker ") }.compactMap { line in
      let words = line.split(separator: " ")
      guard let place = words.firstIndex(of: "--rank"), let rank = Int(words[place + 1]),
        let id = Int32(words[1].dropLast())
      else { return nil }
      return (rank: rank, processID: id)
    }.sorted { $0.rank < $1.rank }
  }

  private static func files(in directory: URL) -> [String] {
    let names = (try? FileManager.default.subpathsOfDirectory(atPath: directory.path)) ?? []
    return names.map { "file \($0)" }
  }
}
