package import Parsing

/// What one host tells of itself before anything is loaded there.
package struct NodeFacts: Sendable, Equatable {
  /// The executable that answered.
  package var executable = ""
  package var buildID = ""
  package var protocolVersion = 0
  /// The libzmq that is loaded there, for instance "4.3.4".
  package var zmqVersion = ""
  package var hostName = ""
  /// Vector instructions of the processor, as Linux names them.
  package var cpuFeatures: [String] = []
  /// The kernels that would run there.
  package var instructionSet = ""
  /// CPUs that a worker may use, by NUMA node, without nodes that have none.
  package var cpusByNode: [[Int]] = []
  /// Bytes.
  package var totalMemory = 0
  package var availableMemory = 0
  /// Where sockets would be made, and the bytes free there.
  package var runDirectory = ""
  package var freeDisk = 0
  /// File descriptors that a process may have.
  package var maxOpenFiles = 0

  package init() {}

  package var numCPUs: Int { cpusByNode.reduce(0) { $0 + $1.count } }
}

extension NodeFacts {
  package var json: JSONValue {
    .members([
      "executable": .string(executable), "build": .string(buildID), "protocol": .count(protocolVersion),
      "libzmq": .string(zmqVersion), "host_name": .string(hostName),
      "cpu_features": .array(cpuFeatures.map { .string($0) }), "instruction_set": .string(instructionSet),
      "cpus_by_numa_node": .array(cpusByNode.map { .array($0.map { .count($0) }) }),
      "memory_bytes": .count(totalMemory), "available_memory_bytes": .count(availableMemory),
      "run_directory": .string(runDirectory), "free_disk_bytes": .count(freeDisk),
      "max_open_files": .count(maxOpenFiles),
    ])
  }

  /// Nil for something that no node of this build writes.
  package init?(_ json: JSONValue) {
    guard let build = json["build"]?.string, let nodes = json["cpus_by_numa_node"]?.array else { return nil }
    buildID = build
    executable = json["executable"]?.string ?? ""
    protocolVersion = json["protocol"]?.int ?? 0
    zmqVersion = json["libzmq"]?.string ?? ""
    hostName = json["host_name"]?.string ?? ""
    cpuFeatures = json["cpu_features"]?.array?.compactMap(\.string) ?? []
    instructionSet = json["instruction_set"]?.string ?? ""
    cpusByNode = nodes.map { $0.array?.compactMap(\.int) ?? [] }
    totalMemory = json["memory_bytes"]?.int ?? 0
    availableMemory = json["available_memory_bytes"]?.int ?? 0
    runDirectory = json["run_directory"]?.string ?? ""
    freeDisk = json["free_disk_bytes"]?.int ?? 0
    maxOpenFiles = json["max_open_files"]?.int ?? 0
  }
}
