/** Three streams, in the colour and size of the text around. */
export const StreamIcon = () => (
  <svg width="1em" height="1em" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="2" aria-hidden>
    <path d="M3 6c4 0 5 3 9 3s5-3 9-3M3 12c4 0 5 3 9 3s5-3 9-3M3 18c4 0 5 3 9 3s5-3 9-3" />
  </svg>
);
