import Foundation
import TestSupport
import Testing
import Transport

private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

@Test("a run directory is private and is gone afterwards, sockets and all")
func runDirectory() throws {
  var path = ""
  do {
    let directory = try RunDirectory()
    path = directory.path
    #expect(exists(path))
    let socket = try ZMQSocket(try ZMQContext(), .pull)
    _ = try socket.bind(directory.endpoint("data-r0"))
    #expect(exists("\(path)/data-r0"))
    _ = directory.path
  }
  #expect(!exists(path))
}

@Test("a directory whose owner is gone is swept away, a live one stays")
func sweeping() throws {
  try withTemporaryDirectory { base in
    let live = try RunDirectory(base: base.path)
    let dead = "\(base.path)/meshdecode-dead01"
    try FileManager.default.createDirectory(atPath: dead, withIntermediateDirectories: false)
    #expect(FileManager.default.createFile(atPath: "\(dead)/owner.lock", contents: nil))
    let other = try RunDirectory(base: base.path)
    #expect(!exists(dead))
    #expect(exists(live.path))
    #expect(live.path != other.path)
  }
}

@Test("a base that cannot be written to is refused with a sentence")
func unusableBase() {
  let error = #expect(throws: TransportError.self) { try RunDirectory(base: "/proc/nowhere") }
  #expect(error?.message.contains("XDG_RUNTIME_DIR") == true)
}

@Test("a base too long for sockets is refused, and nothing stays behind")
func longBase() throws {
  try withTemporaryDirectory { base in
    let long = "\(base.path)/" + String(repeating: "d", count: 80)
    try FileManager.default.createDirectory(atPath: long, withIntermediateDirectories: false)
    let error = #expect(throws: TransportError.self) { try RunDirectory(base: long) }
    #expect(error?.code == .invalidEndpoint)
    #expect(try FileManager.default.contentsOfDirectory(atPath: long).isEmpty)
  }
}
