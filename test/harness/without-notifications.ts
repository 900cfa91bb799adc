/** What Postgres sent, without a channel's NotificationResponse: `A`, length, pid, channel, payload (protocol 3). */
export function withoutNotifications(
  bytes: Buffer,
  channel: string,
): { bytes: Buffer; dropped: number } {
  const name = Buffer.from(`${channel}\0\0`);
  const found = bytes.indexOf(name);
  if (found < 9 || bytes[found - 9] !== "A".charCodeAt(0)) return { bytes, dropped: 0 };
  const rest = withoutNotifications(bytes.subarray(found + name.length), channel);
  return {
    bytes: Buffer.concat([bytes.subarray(0, found - 9), rest.bytes]),
    dropped: rest.dropped + 1,
  };
}
