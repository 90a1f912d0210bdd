/** Lua sources as text: Vite's `?raw`. */
declare module '*.lua?raw' {
  const text: string;
  export default text;
}
