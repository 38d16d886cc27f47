internal import Coordination
internal import Launching
internal import Scheduling
internal import Topology
internal import Wire

/// Where a mesh tells what happens to it, and from which importance on.
package struct RunLog: Sendable {
  package enum Level: Sendable, Comparable {
    /// Every step.
    case debug
    /// Every start, arrival and loss.
    case info
    /// What the user of a long run wants to know.
    case warning
    case error
  }

  /// One line, with its place in the run: "warning: rank 1 was lost (t=0.512s epoch=2 step=17 rank=1)".
  package struct Entry: Sendable, Hashable, CustomStringConvertible {
    package var level: Level
    package var text: String
    /// Nil when it is about a whole replica or mesh.
    package var rank: Int?
    /// Nanoseconds since the mesh was started.
    package var time: Int64
    /// The membership epoch that begins with it or in which it happens.
    package var epoch: UInt64
    /// The newest step that was planned.
    package var step: UInt64

    package var description: String {
      let milliseconds = time / 1_000_000
      let fraction = "\(1000 + milliseconds % 1000)".dropFirst()
      let place = rank.map { " rank=\($0)" } ?? ""
      return "\(level): \(text) (t=\(milliseconds / 1000).\(fraction)s epoch=\(epoch) step=\(step)\(place))"
    }
  }

  package var level: Level
  package var write: @Sendable (Entry) -> Void

  package init(from level: Level, write: @escaping @Sendable (Entry) -> Void) {
    self.level = level
    self.write = write
  }
}

extension MeshEngine {
  /// Tells the log; the text is made only when somebody wants it.
  func log(_ level: RunLog.Level, rank: Int? = nil, _ text: @autoclosure () -> String) {
    guard let log = configuration.log, level >= log.level else { return }
    log.write(
      RunLog.Entry(
        level: level, text: text(), rank: rank, time: Self.now.nanoseconds - started.nanoseconds,
        epoch: core.epoch.rawValue, step: core.lastStep.rawValue))
  }

  /// What a change of the ranks is to a reader of the log.
  func log(_ event: MembershipEvent) {
    let rank = event.rank
    let world = configuration.mesh.worldSize
    let name = rank.map { $0 < world ? "rank \($0)" : "spare \($0 - world)" } ?? "the mesh"
    switch event.kind {
    case .lost(let loss):
      log(.warning, rank: rank, "\(name) \(loss.text); recovery begins")
      for line in loss.lastLines.suffix(5) { log(.warning, rank: rank, "\(name) said last: \(line)") }
    case .started: log(.info, rank: rank, "\(name) is started")
    case .joined: log(.info, rank: rank, "\(name) has joined")
    case .loaded: log(.info, rank: rank, "\(name) has loaded its shard")
    case .retried(let text): log(.warning, rank: rank, "\(text); the step is tried again")
    case .promoted(let spare): log(.info, rank: rank, "spare \(spare) takes the place of \(name)")
    case .remeshed(let shape): log(.info, "the mesh is \(shape) from now on")
    case .recovered(let recovery): announce(recovery)
    }
  }

  /// One line on each rank that was replaced.
  private func announce(_ recovery: Recovery) {
    let milliseconds = Int(recovery.duration / .milliseconds(1))
    for rank in Set(recovery.ranks).sorted() {
      let (old, new) = (configuration.fleet?.placement.host(of: rank), processes.placement?.host(of: rank))
      let place = old == new ? "" : " on \(new?.name ?? "this host")"
      let outcome =
        formerMesh == nil ? "has been replaced\(place)" : "is lost; the run goes on with fewer ranks"
      log(.warning, rank: rank, "rank \(rank) \(outcome) after \(milliseconds) ms; no token is lost")
    }
    if let formerMesh { log(.warning, "the mesh was \(formerMesh) and is \(configuration.mesh) now") }
    formerMesh = nil
  }
}
