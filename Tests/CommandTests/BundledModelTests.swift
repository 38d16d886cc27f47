import Foundation
import TestSupport
import Testing

/// The executable finds its model wherever it was put.
@Suite struct BundledModelTests {
  private static let resources = "meshdecode_meshdecode.resources"

  @Test func fromAnotherDirectoryAndThroughALink() async throws {
    try await withTemporaryDirectory { directory in
      let link = directory.appendingPathComponent("md")
      try FileManager.default.createSymbolicLink(at: link, withDestinationURL: ProcessHarness.executable)
      let outcome = try await ProcessHarness.run(["plan"], executable: link, workingDirectory: directory)
      #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    }
  }

  @Test func copiedWithItsResourcesAndNotWithout() async throws {
    try await withTemporaryDirectory { directory in
      let copy = directory.appendingPathComponent("meshdecode")
      // By a process of its own: a child that another test starts meanwhile would hold a copy made here open for
      // writing, and what is open for writing cannot be run.
      let copying = try await ProcessHarness.run(
        [ProcessHarness.executable.path, copy.path], executable: URL(fileURLWithPath: "/bin/cp"))
      #expect(copying.exitCode == 0, "\(copying.standardError)")
      let without = try await ProcessHarness.run(["plan"], executable: copy)
      #expect(without.exitCode == 1)
      #expect(without.standardError.contains("copy \(Self.resources) there"))

      let beside = ProcessHarness.executable.deletingLastPathComponent().appendingPathComponent(
        Self.resources)
      try FileManager.default.copyItem(at: beside, to: directory.appendingPathComponent(Self.resources))
      let with = try await ProcessHarness.run(["plan"], executable: copy)
      #expect(with.exitCode == 0, "\(with.standardError)")
    }
  }
}
