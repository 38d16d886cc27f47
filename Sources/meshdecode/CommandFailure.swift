internal import ArgumentParser
internal import Engine
internal import Foundation
internal import Launching
internal import Preflight
internal import Presentation
internal import RunSetup
internal import Settings
internal import Tokenization

/// How a command ends when it does not succeed.
struct CommandFailure: Error {
  let code: ExitStatus
  /// One sentence with the offending value, the allowed range and what to do.
  let sentence: String

  init(_ code: ExitStatus, _ sentence: String) {
    self.code = code
    self.sentence = sentence
  }
}

/// Exit codes of every command.
enum ExitStatus: Int32 {
  case success = 0
  case failedWhileRunning = 1
  case wrongUsage = 2
  case failedCheck = 3
}

extension MeshDecode {
  /// Prints what the user must know about `error` and ends the process with the code of its kind.
  static func finish(with error: any Error) -> Never {
    switch error {
    case let failure as CommandFailure:
      end(failure.code, "error: \(failure.sentence)")
    case let error as SettingsError:
      end(.wrongUsage, "error: \(error)")
    case let error as SetupError:
      end(error.isUsage ? .wrongUsage : .failedWhileRunning, "error: \(error)")
    case let error as EngineError:
      end(error)
    case let error as PreflightError:
      if let signal = error.signal { endInterrupted(by: signal) }
      end(.failedWhileRunning, "error: \(error)")
    case let error as TokenizerError:
      end(.failedWhileRunning, "error: \(error)")
    case let error as LaunchError:
      end(.failedWhileRunning, "error: \(error)")
    case is OutputClosed:
      // The reader has what it wanted, as after `| head`.
      end(.success, nil)
    default:
      if exitCode(for: error) == .success {
        print(fullMessage(for: error))
        end(.success, nil)
      }
      // ArgumentParser says 64 for wrong usage; here that is 2.
      let usage = exitCode(for: error) == .validationFailure
      let hint = usage ? " (see 'meshdecode --help')" : ""
      end(usage ? .wrongUsage : .failedWhileRunning, "error: \(message(for: error))\(hint)")
    }
  }

  private static func end(_ error: EngineError) -> Never {
    switch error.kind {
    case .configuration: end(.wrongUsage, "error: \(error)")
    case .failure:
      let words = error.lastLines.suffix(5).map { "\n  it said last: \($0)" }.joined()
      end(.failedWhileRunning, "error: \(error)\(words)")
    case .interrupted(let signal): endInterrupted(by: signal)
    }
  }

  private static func endInterrupted(by signal: Int32) -> Never {
    FileHandle.standardError.write(Data("interrupted\n".utf8))
    Foundation.exit(128 + signal)
  }

  private static func end(_ code: ExitStatus, _ line: String?) -> Never {
    if let line { FileHandle.standardError.write(Data((line + "\n").utf8)) }
    Foundation.exit(code.rawValue)
  }
}
