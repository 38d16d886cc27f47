import Foundation
import TestSupport
import Testing
import Transport
import Wire

@Test(
  "endpoints are read and written",
  arguments: [
    "ipc:///run/x/y", "ipc://@name", "tcp://10.0.0.1:5555", "tcp://[::1]:80", "tcp://host.example:1",
    "shm://*", "shm://123/4",
  ])
func readEndpoints(text: String) throws {
  #expect(try Endpoint(text).description == text)
}

@Test(
  "what is no endpoint is refused with a sentence",
  arguments: [
    "", "tcp://", "tcp://:5", "tcp://h", "tcp://h:", "tcp://h:65536", "tcp://h:-1", "tcp://h:1x", "udp://h:1",
    "ipc://", "ipc://relative", "ipc:///", "tcp://a b:1", "tcp:h:1", "shm://", "shm://1",
    "shm://0/0", "shm://1/-1", "shm://1/2/3",
    "ipc:///" + String(repeating: "x", count: 107),
  ])
func refuseEndpoints(text: String) {
  let error = #expect(throws: TransportError.self) { try Endpoint(text) }
  #expect(error?.code == .invalidEndpoint)
}

@Test("a tcp port of the system's choice, and what happens when it is taken")
func portInUse() throws {
  let context = try ZMQContext(security: .insecure)
  let first = try ZMQSocket(context, .pull)
  let endpoint = try first.bind(.tcp(host: "127.0.0.1", port: 0))
  guard case .tcp(_, let port, _) = endpoint else {
    Issue.record("\(endpoint)")
    return
  }
  #expect(port > 0)
  let second = try ZMQSocket(context, .pull)
  do {
    _ = try second.bind(endpoint)
    Issue.record("bound twice to \(endpoint)")
  } catch {
    #expect(error.code == .addressInUse)
    #expect(error.message.contains("\(port)"))
    #expect(error.message.contains("another"))
  }
}

@Test("an ipc path that is listened on is not stolen; one left behind is taken")
func ipcNotStolen() throws {
  let directory = try RunDirectory()
  let endpoint = directory.endpoint("data")
  let context = try ZMQContext()
  do {
    let first = try ZMQSocket(context, .pull)
    _ = try first.bind(endpoint)
    let second = try ZMQSocket(context, .pull)
    do {
      _ = try second.bind(endpoint)
      Issue.record("stole \(endpoint)")
    } catch {
      #expect(error.code == .addressInUse)
    }
    _ = first.kind
  }
  #expect(FileManager.default.createFile(atPath: "\(directory.path)/data", contents: nil))
  let third = try ZMQSocket(context, .pull)
  #expect(try third.bind(endpoint) == endpoint)
}

@Test("a host that is not ours cannot be bound")
func foreignAddress() throws {
  let socket = try ZMQSocket(try ZMQContext(security: .insecure), .pull)
  do {
    _ = try socket.bind(.tcp(host: "192.0.2.77", port: 0))
    Issue.record("bound to a documentation address")
  } catch {
    #expect(error.code == .addressNotAvailable)
  }
}
