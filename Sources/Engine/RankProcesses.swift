internal import Coordination
internal import Foundation
internal import Glibc
internal import Launching
internal import Transport
internal import Wire
internal import WorkerRuntime

/// The processes of a mesh, by rank and start: starts them, and turns their ends into events.
struct RankProcesses {
  /// What every worker is started with.
  struct Command: Sendable {
    var executable: String
    var directory: String
    var worldSize: Int
    var numSpares = 0
    var transport: LocalTransport
    var fleet: Fleet?
    /// Nil where nothing is encrypted.
    var keys: RunKeys?
    var controlEndpoint: String
    var pulseEndpoint: String
    var pulseMilliseconds: Int
    /// Variables and arguments on top, by rank: fault drills run workers behind faulty links.
    var extraEnvironment: [Int: [String: String]] = [:]
  }

  private let launcher: LocalLauncher
  private var command: Command
  /// Which process plays each rank now; spares follow the ranks.
  private var current: [Launching.Incarnation?]
  private var seats: [Launching.Incarnation: Seat] = [:]

  /// Which start of which rank a process is.
  private struct Seat: Equatable {
    var rank: Int
    var incarnation: UInt32
  }
  /// Where each rank runs now; nil on one host.
  private(set) var placement: Launching.RankPlacement?
  /// Those that have been heard of.
  private var joined: Set<Launching.Incarnation> = []
  /// Hosts that ranks were moved away from.
  private var abandoned: Set<Int> = []

  init(_ command: Command) throws(LaunchError) {
    launcher = try LocalLauncher()
    self.command = command
    placement = command.fleet?.placement
    current = Array(repeating: nil, count: command.worldSize + command.numSpares)
  }

  /// The process that plays a rank has spoken.
  mutating func noteJoined(_ rank: Int) {
    if let process = current[rank] { joined.insert(process) }
  }

  /// Readable while there are ends to take.
  var exitDescriptor: Int32 { launcher.exitDescriptor }

  /// Starts a rank. Endpoints of an earlier start are never used again: what was sent there must not arrive here.
  mutating func start(_ rank: Int, incarnation: UInt32, epoch: Epoch) {
    // Workers that somebody else starts come by themselves.
    guard command.fleet == nil || command.fleet?.launcher != nil else { return }
    var launch = RankLaunch(
      rank: rank, executable: command.executable,
      arguments: [
        "worker", "--coordinator", command.controlEndpoint, "--rank", "\(rank)",
        "--world-size", "\(command.worldSize)", "--data-endpoint", dataEndpoint(of: rank, incarnation),
        "--epoch", "\(epoch.rawValue)", "--incarnation", "\(incarnation)",
        "--pulse-endpoint", command.pulseEndpoint, "--pulse-period", "\(command.pulseMilliseconds)",
      ], environment: Self.environment.merging(command.extraEnvironment[rank] ?? [:]) { $1 },
      input: command.keys?.ticket(of: rank) ?? "")
    launch.arguments += command.keys == nil ? [] : ["--secret-file", "-"]
    launch.arguments += rank < command.worldSize ? [] : ["--spare"]
    if let placement, let launcher = command.fleet?.launcher {
      launch.arguments += command.keys == nil ? ["--plain-tcp"] : []
      launch = launcher.client(for: launch, on: placement.host(of: rank))
    } else {
      launch.arguments += command.keys == nil && command.transport == .tcp ? ["--plain-tcp"] : []
      launch.arguments += ["--directory", command.directory]
    }
    let started = launcher.start(launch)
    current[rank] = started
    seats[started] = Seat(rank: rank, incarnation: incarnation)
  }

  /// The process of a spare is a rank's from now on.
  mutating func promote(_ spare: Int, to rank: Int, incarnation: UInt32) {
    guard let process = current[spare] else { return }
    current[spare] = nil
    current[rank] = process
    // One that has ended already has no seat any more; its end has been told.
    if seats[process] != nil { seats[process] = Seat(rank: rank, incarnation: incarnation) }
  }

  /// Another number of ranks, none of which runs yet.
  mutating func remesh(worldSize: Int) {
    command.worldSize = worldSize
    current = Array(repeating: nil, count: worldSize + command.numSpares)
  }

  func dataEndpoint(of rank: Int, _ incarnation: UInt32) -> String {
    if let placement {
      return "tcp://\(placement.host(of: rank).address ?? WorkerConnection.ownAddress):*"
    }
    return switch command.transport {
    case .ipc: "ipc://\(command.directory)/r\(rank).\(incarnation)"
    case .tcp: "tcp://127.0.0.1:*"
    case .shm: "shm://*"
    }
  }

  /// A worker that crashes ends at once; collecting a backtrace would keep its peers waiting for seconds.
  private static let environment = ["SWIFT_BACKTRACE": "enable=no"]

  /// Makes sure that a process of a rank is dead, stopped or not.
  func kill(_ rank: Int, incarnation: UInt32) {
    for (process, seat) in seats where seat == Seat(rank: rank, incarnation: incarnation) {
      launcher.send(SIGKILL, to: process)
    }
  }

  /// Sends a signal to the process that plays a rank now; for fault drills.
  func send(_ signal: Int32, to rank: Int) {
    if let process = current[rank] { launcher.send(signal, to: process) }
  }

  /// Stops a process and continues it later, from the launcher's thread: a mesh that waits for it has no events.
  func pause(_ rank: Int, for duration: Duration) {
    guard let process = current[rank] else { return }
    launcher.send(SIGSTOP, to: process)
    launcher.send(SIGCONT, to: process, after: duration)
  }

  /// Process id of a rank; nil when it does not run.
  func processID(of rank: Int) -> Int32? { current[rank].flatMap { launcher.pid(of: $0) } }

  /// The ends since the last call, as events.
  mutating func takeExits() -> [CoordinatorEvent] {
    launcher.takeExits().map { exit in
      leaveHost(of: exit)
      let cause: RankLoss.Cause =
        switch exit.ending {
        case .exited(let code): .exited(code: code)
        case .killed(let signal): .killed(signal: signal)
        case .notStarted: .notStarted
        }
      let seat = seats.removeValue(forKey: exit.incarnation)
      if let seat { removeSocket(of: seat) }
      return .rankLost(
        rank: seat?.rank ?? exit.rank, incarnation: seat?.incarnation ?? .max,
        RankLoss(cause, "\(exit.ending)", lastLines: exit.lastLines))
    }
  }

  /// Nobody else removes the socket of a process that was killed. A spare listens only once it has a rank's seat.
  private func removeSocket(of seat: Seat) {
    guard case .ipc(let path)? = try? Endpoint(dataEndpoint(of: seat.rank, seat.incarnation)) else { return }
    try? FileManager.default.removeItem(atPath: path)
  }

  /// A rank whose host could not even start it goes to a spare slot of another host, if there is one.
  private mutating func leaveHost(of exit: RankExit) {
    guard joined.remove(exit.incarnation) == nil, let placement, current[exit.rank] == exit.incarnation,
      command.fleet?.launcher?.blamesHost(exit.ending) == true
    else { return }
    abandoned.insert(placement.hostOfRank[exit.rank])
    self.placement = placement.moving(exit.rank, avoiding: abandoned) ?? placement
  }

  /// Ranks on the same host as `rank`, itself among them.
  func neighbours(of rank: Int) -> [Int] {
    guard let placement else { return Array(current.indices) }
    return placement.ranks(on: placement.hostOfRank[rank])
  }

  /// Ends all of them within a bounded time.
  func stop() { launcher.stop() }
}
