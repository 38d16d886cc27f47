/// What a report should say of the machine that it was made on.
package enum MachineFacts {
  /// One line each: processor, CPUs, instruction set.
  package static func lines() -> [String] {
    [
      "host \(HostFacts.hostName), \(HostFacts.allowedCPUs.count) CPUs allowed",
      "instruction set \(InstructionSet.best.rawValue); CPU features: \(CPUFeatures.current)",
    ]
  }
}
