internal import Compute
internal import Foundation
internal import Glibc
internal import Transport
internal import Wire
internal import WorkerRuntime

extension NodeFacts {
  /// The facts of the host and process that run this.
  ///
  /// - Parameter runDirectory: where sockets would be made.
  package static func collect(buildID: String, executable: String, runDirectory: String) -> NodeFacts {
    var facts = NodeFacts()
    facts.executable = executable
    facts.buildID = buildID
    facts.protocolVersion = Int(Hello.currentProtocolVersion)
    facts.zmqVersion = ZMQContext.libraryVersion
    facts.hostName = HostFacts.hostName
    facts.cpuFeatures = CPUFeatures.current.names
    facts.instructionSet = InstructionSet.best.rawValue
    facts.cpusByNode = HostLayout.here.allowedCPUsByNode
    let memory = memoryInfo(text("/proc/meminfo"))
    facts.totalMemory = memory["MemTotal"] ?? 0
    facts.availableMemory = memory["MemAvailable"] ?? memory["MemFree"] ?? 0
    facts.runDirectory = runDirectory
    let disk = try? FileManager.default.attributesOfFileSystem(forPath: runDirectory)
    facts.freeDisk = (disk?[.systemFreeSize] as? NSNumber)?.intValue ?? 0
    facts.maxOpenFiles = sysconf(Int32(_SC_OPEN_MAX))
    return facts
  }

  /// Bytes by name, from the form of `/proc/meminfo`.
  static func memoryInfo(_ text: String) -> [String: Int] {
    var sizes: [String: Int] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(whereSeparator: { $0 == " " || $0 == ":" })
      guard words.count >= 2, let kibibytes = Int(words[1]), kibibytes < 1 << 50 else { continue }
      sizes[String(words[0])] = kibibytes << 10
    }
    return sizes
  }

  private static func text(_ path: String) -> String {
    String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
  }
}
