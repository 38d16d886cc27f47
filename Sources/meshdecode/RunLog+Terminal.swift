internal import Engine
internal import Presentation
internal import Settings

extension RunLog {
  /// The log of a command, on standard error.
  ///
  /// - Parameter expectsLosses: losses are what the command is about, and it tells of them itself: only those who ask
  ///   for more than warnings get them here as well. Nil then.
  init?(_ settings: EngineSettings, expectsLosses: Bool = false) {
    let level: Level =
      switch settings.output.logLevel {
      case .debug: .debug
      case .info: .info
      case .warning: .warning
      case .error: .error
      }
    if expectsLosses, level >= .warning { return nil }
    self.init(from: level) { Terminal.note("\($0)") }
  }
}
