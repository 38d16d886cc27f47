internal import Foundation
internal import RunSetup
internal import Transport

/// What lets a process that was started for a rank in.
enum WorkerSecret {
  /// - Parameter file: where it is; - for the first line of standard input, to be read before a life line watches it.
  static func read(_ file: String) throws -> WorkerPass {
    do {
      guard file == "-" else { return try SecretFile.pass(file) }
      var line: [UInt8] = []
      while line.count < WorkerPass.maxBytes, line.last != UInt8(ascii: "\n"),
        let byte = try FileHandle.standardInput.read(upToCount: 1)?.first
      {
        line.append(byte)
      }
      return try WorkerPass(String(decoding: line, as: UTF8.self))
    } catch {
      throw CommandFailure(.failedWhileRunning, "the worker's secret: \(error)")
    }
  }
}
