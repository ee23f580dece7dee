// What a Jekyll blog has besides the posts: its settings, its style, and its two pages. It stands for
// any blog, so it has no theme.

/** The settings. Links from post to post are to markdown files, as GitHub needs them. */
export const CONFIG = `title: The posts
permalink: /posts/:title.html
future: true
strict_front_matter: true
plugins: [jekyll-relative-links]
relative_links: { collections: true }
`;

const STYLE = `
:root { color-scheme: light dark; --faint: #6668; --box: #8882; }
body { margin: 0; font: 18px/1.6 Georgia, serif; }
main { max-width: 44rem; margin: auto; padding: 1rem; overflow-wrap: break-word; }
h1, h2, h3 { line-height: 1.25; margin: 2em 0 0.5em; }
h1 { margin-top: 1em; }
img { max-width: 100%; height: auto; }
code { font-family: ui-monospace, monospace; font-size: 0.8em; background: var(--box); padding: 0.1em 0.3em; }
pre { overflow-x: auto; background: var(--box); padding: 1rem; line-height: 1.4; }
pre code { background: none; padding: 0; }
table { display: block; overflow-x: auto; border-collapse: collapse; font-size: 0.8em; margin: 1.5em 0; }
th, td { border: 1px solid var(--faint); padding: 0.3em 0.7em; text-align: left; }
.gi { color: light-dark(#116329, #7ee787); }
.gd { color: light-dark(#b3261e, #ffa198); }
.gu, .c1 { color: light-dark(#59636e, #9aa4af); }
`;

const page = (title: string, main: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${main}
</main>
</body>
</html>
`;

/** The layout of a post. */
export const POST_LAYOUT = page(
  "{{ page.title | escape }}",
  `<article>
<h1>{{ page.title | escape }}</h1>
{{ content }}
</article>`,
);

/** The first page, with links to the posts, as the blog shows them and as GitHub does. */
export const FIRST_PAGE = `---
---
${page(
  "{{ site.title }}",
  `<h1>{{ site.title }}</h1>
<ul>
{% for post in site.posts reversed %}<li><a href="{{ post.url }}">{{ post.title | escape }}</a>,
  or <a href="/github/posts/{{ post.path | split: "/" | last }}">as GitHub shows it</a></li>
{% endfor %}<li><a href="/github/README.md">README.md, as GitHub shows it</a></li>
</ul>`,
)}`;

/** A plugin that stops Jekyll's server when its standard input ends, as it does when we die. */
export const LIFELINE = `Jekyll::Hooks.register :site, :post_write do
  $lifeline ||= Thread.new { $stdin.read; Process.kill("INT", Process.pid) }
end
`;
