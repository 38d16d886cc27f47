import Collectives
import TestSupport
import Testing
import Transport
import Wire

@Test("everyone sends two pieces to everyone, many steps", arguments: Joint.allCases, [2, 3, 5])
func everyoneToEveryone(joint: Joint, worldSize: Int) throws {
  let steps = 40
  let piece = 24
  let results = try onRanks(worldSize, over: joint) { rank, communicator in
    // Memory: own two pieces, then two from every rank.
    let peers = (0..<worldSize).filter { $0 != rank }
    let plan = ExchangePlan(
      sends: peers.flatMap {
        [
          Transfer(peer: $0, byteOffset: piece, byteCount: piece),
          Transfer(peer: $0, byteOffset: 0, byteCount: piece),
        ]
      },
      receives: peers.flatMap {
        [
          Transfer(peer: $0, byteOffset: (2 + 2 * $0) * piece, byteCount: piece),
          Transfer(peer: $0, byteOffset: (3 + 2 * $0) * piece, byteCount: piece),
        ]
      })
    var memory = [UInt8](repeating: 0, count: (2 + 2 * worldSize) * piece)
    for step in 0..<steps {
      for index in 0..<(2 * piece) { memory[index] = UInt8(truncatingIfNeeded: rank * 50 + index + step) }
      var span = memory.mutableSpan
      var bytes = span.frameBytes
      try communicator.exchange(
        plan, at: place(UInt64(step)), memory: &bytes, deadline: .after(soon))
      for peer in peers {
        for index in 0..<piece {
          let second = UInt8(truncatingIfNeeded: peer * 50 + piece + index + step)
          let first = UInt8(truncatingIfNeeded: peer * 50 + index + step)
          #expect(memory[(2 + 2 * peer) * piece + index] == second)
          #expect(memory[(3 + 2 * peer) * piece + index] == first)
        }
      }
    }
    let traffic = communicator.link.traffic
    #expect(traffic.totalSent.payloadBytes == steps * plan.cost(of: rank).payloadBytes)
    #expect(traffic.totalReceived.payloadBytes == steps * plan.cost(of: rank).payloadBytes)
    #expect(traffic.totalSent.frames == steps * (worldSize - 1))
    #expect(communicator.duplicateFramesDropped == 0)
    return 0
  }
  for result in results { _ = try result.get() }
}
