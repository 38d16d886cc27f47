import Foundation
import Parsing
import TestSupport
import Testing

/// What an eavesdropper sees of a run over TCP; skipped by name without root.
@Suite(.serialized, .enabled(if: PacketCapture.obstacle == nil, "needs root and packet sockets"))
struct CaptureTests {
  /// A prompt that no other run has: 24 token ids drawn at random, as a step plan carries them.
  private struct Marker {
    let ids: [Int]
    var bytes: [UInt8] { ids.flatMap { id in (0..<4).map { UInt8(truncatingIfNeeded: id >> ($0 * 8)) } } }

    init(seed: UInt64) {
      var random = SeededGenerator(seed: seed)
      ids = (0..<24).map { _ in Int.random(in: 3..<900, using: &random) }
    }
  }

  /// What was seen of one run.
  private struct Sight {
    var packets = 0
    /// Packets that hold the prompt.
    var marked = 0
    /// Connections that greeted with CURVE, and those among them and among all that show the magic number of a frame.
    var encrypted = 0
    var encryptedWithFrames = 0
    var withFrames = 0
  }

  private static func capture(_ extra: [String], _ marker: Marker) async throws -> Sight {
    let capture = try PacketCapture()
    let text = "[\(marker.ids.map(String.init).joined(separator: ","))]"
    let outcome = try await ProcessHarness.run(
      ["generate", "--transport", "tcp", "--tp", "2", "--max-tokens", "8", "--prompt-token-ids", text]
        + extra)
    let packets = try capture.finish()
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    var sight = Sight(packets: packets.count)
    var curve: Set<Int> = []
    var frames: Set<Int> = []
    for packet in packets {
      if contains(packet, marker.bytes) { sight.marked += 1 }
      guard let connection = connection(of: packet) else { continue }
      if contains(packet, Array("CURVE".utf8)) { curve.insert(connection) }
      if contains(packet, Array("MDF1".utf8)) { frames.insert(connection) }
    }
    sight.encrypted = curve.count
    sight.withFrames = frames.count
    sight.encryptedWithFrames = frames.intersection(curve).count
    return sight
  }

  /// The two ports of a TCP packet over IPv4, whichever way it goes; 14 bytes of Ethernet come first.
  private static func connection(of packet: [UInt8]) -> Int? {
    guard packet.count >= 54, packet[12] == 8, packet[13] == 0, packet[23] == 6 else { return nil }
    let start = 14 + Int(packet[14] & 15) * 4
    guard packet.count >= start + 4 else { return nil }
    let ports = [0, 2].map { Int(packet[start + $0]) << 8 | Int(packet[start + $0 + 1]) }.sorted()
    return ports[0] << 16 | ports[1]
  }

  private static func contains(_ packet: [UInt8], _ bytes: [UInt8]) -> Bool {
    guard packet.count >= bytes.count else { return false }
    var start = 0
    while let place = packet[start...].firstIndex(of: bytes[0]), place + bytes.count <= packet.count {
      if packet[place..<place + bytes.count].elementsEqual(bytes) { return true }
      start = place + 1
    }
    return false
  }

  @Test func anEncryptedRunShowsNothingThatAPlainOneShows() async throws {
    // Drawn anew: other runs on this host may be captured as well.
    let marker = Marker(seed: .random(in: .min ... .max))
    // First the proof that it would be seen.
    let plain = try await Self.capture(["--insecure"], marker)
    #expect(plain.marked > 0 && plain.withFrames >= 3, "\(plain)")
    let encrypted = try await Self.capture([], marker)
    #expect(encrypted.encrypted >= 3, "\(encrypted)")
    #expect(encrypted.marked == 0 && encrypted.encryptedWithFrames == 0, "\(encrypted)")
  }
}
