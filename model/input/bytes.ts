/** UTF-8 as it stands, a byte order mark included; what is no UTF-8 becomes U+FFFD. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Bytes of UTF-8 as text. */
export function utf8Of(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Bytes as text of one character each. */
export function latin1Of(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

export function uint32At(bytes: Uint8Array, offset = 0): number {
  return viewOf(bytes).getUint32(offset, true);
}

export function uint64At(bytes: Uint8Array, offset = 0): bigint {
  return viewOf(bytes).getBigUint64(offset, true);
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
