internal import CLinux

/// The wall clock of this host, wrong for a while: for everybody on it, so only for root.
final class ClockDoor {
  private var nanoseconds: Int64

  /// Moves the clock ahead.
  init(seconds: Double) throws {
    nanoseconds = Int64(seconds * 1e9)
    let problem = linuxMoveWallClock(nanoseconds)
    guard problem == 0 else {
      nanoseconds = 0
      throw FaultPlanError("the wall clock cannot be set (error \(problem))")
    }
  }

  deinit { restore() }

  /// Moves it back by as much, so that the time in between is kept.
  func restore() {
    if nanoseconds != 0 { _ = linuxMoveWallClock(-nanoseconds) }
    nanoseconds = 0
  }

  /// Whether this user may set the clock.
  static var isAvailable: Bool { linuxMoveWallClock(0) == 0 }
}
