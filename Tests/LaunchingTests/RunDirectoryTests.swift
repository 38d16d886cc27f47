import Foundation
import Launching
import TestSupport
import Testing

@Suite struct RunDirectoryTests {
  @Test func isPrivateAndGoneAfterRemoval() throws {
    try withTemporaryDirectory { base in
      let directory = try RunDirectory.create(base: base.path)
      let attributes = try FileManager.default.attributesOfItem(atPath: directory.path)
      #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o700)
      try Data().write(to: URL(fileURLWithPath: directory.file("a.sock")))
      directory.remove()
      directory.remove()
      #expect(try FileManager.default.contentsOfDirectory(atPath: base.path) == [])
    }
  }

  @Test func deadCoordinatorsAreSweptAndLivingOnesAreNot() throws {
    try withTemporaryDirectory { base in
      let living = try RunDirectory.create(base: base.path)
      // The same id with another start time is another process.
      let me = try #require(ProcessIdentity.current)
      for name in ["md-\(me.pid)-1-aa", "md-999999999-5-bb", "md-x-5-cc", "md-1-2", "other"] {
        try FileManager.default.createDirectory(
          at: base.appendingPathComponent(name), withIntermediateDirectories: false)
      }
      try Data().write(to: base.appendingPathComponent("md-999999999-5-bb/r0.sock"))
      try FileManager.default.createSymbolicLink(
        atPath: base.path + "/md-999999998-5-dd", withDestinationPath: living.path)
      RunDirectory.sweep(base: base.path)
      let left = try FileManager.default.contentsOfDirectory(atPath: base.path).sorted()
      let kept = [
        URL(fileURLWithPath: living.path).lastPathComponent, "md-1-2", "md-999999998-5-dd", "md-x-5-cc",
        "other",
      ]
      #expect(left == kept.sorted())
    }
  }

  @Test func unusableBasesAreRefusedInASentence() throws {
    let missing = #expect(throws: LaunchError.self) { try RunDirectory.create(base: "/no/such/place") }
    #expect(missing?.description.contains("cannot be made in /no/such/place") == true)
    try withTemporaryDirectory { base in
      let long = base.appendingPathComponent(String(repeating: "x", count: 80))
      let tooLong = #expect(throws: LaunchError.self) { try RunDirectory.create(base: long.path) }
      #expect(tooLong?.description.contains("shorter --run-directory") == true)
    }
  }

  @Test func processesAreToldApartByTheirStart() throws {
    let me = try #require(ProcessIdentity.current)
    #expect(me.isAlive)
    #expect(me == ProcessIdentity(pid: me.pid))
    #expect(ProcessIdentity(pid: 999_999_999) == nil)
  }
}
