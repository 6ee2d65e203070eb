// What is embedded in the page: `page`, texts and names, and `arrays`, numbers packed as bytes.

const TYPES = {
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  float32: Float32Array,
  float64: Float64Array,
};

function unpacked({ type, shape, data }) {
  const text = atob(data);
  const bytes = new Uint8Array(text.length);
  for (let place = 0; place < text.length; place++) bytes[place] = text.charCodeAt(place);
  return Object.assign(new TYPES[type](bytes.buffer), { shape });
}

const page = JSON.parse(byId("content").textContent);
const arrays = Object.fromEntries(Object.entries(page.arrays).map(([name, packed]) => [name, unpacked(packed)]));
delete page.arrays;
