// Made by npm run sync, of scripts/race and assets/race.json.
{
const RECORDED = {"broken":{"about":"The bug. auth() stands above every route. So each response to a logged-in browser sets the session cookie again, and the response to a request that was in flight during the logout logs the user back in.","looks":{"":"ajc","u":"ajc+","uu":"ajc","uuu":"ajc","uuuu":"ajc+","uuuul":"ajc+","uuuull":"ajc","uuuulll":"c-","uuul":"ajc+","uuulu":"ajc+","uuulul":"ajc","uuulull":"c-","uuull":"ajc","uuullu":"ajc+","uuullul":"c-","uuulll":"c-","uuulllu":"ajc+","uul":"ajc+","uulu":"ajc","uuluu":"ajc+","uuluul":"ajc","uuluull":"c-","uulul":"ajc","uululu":"ajc+","uululul":"c-","uulull":"c-","uulullu":"ajc+","uull":"ajc","uullu":"ajc","uulluu":"ajc+","uulluul":"c-","uullul":"c-","uullulu":"ajc+","uulll":"c-","uulllu":"c","uullluu":"ajc+","ul":"ajc+","ulu":"ajc","uluu":"ajc","uluuu":"ajc+","uluuul":"ajc","uluuull":"c-","uluul":"ajc","uluulu":"ajc+","uluulul":"c-","uluull":"c-","uluullu":"ajc+","ulul":"ajc","ululu":"ajc","ululuu":"ajc+","ululuul":"c-","ululul":"c-","ulululu":"ajc+","ulull":"c-","ulullu":"c","ululluu":"ajc+","ull":"ajc","ullu":"ajc","ulluu":"ajc","ulluuu":"ajc+","ulluuul":"c-","ulluul":"c-","ulluulu":"ajc+","ullul":"c-","ullulu":"c","ulluluu":"ajc+","ulll":"c-","ulllu":"c","ullluu":"c","ullluuu":"ajc+","l":"ajc+","lu":"ajc+","luu":"ajc","luuu":"ajc","luuuu":"ajc+","luuuul":"ajc","luuuull":"c-","luuul":"ajc","luuulu":"ajc+","luuulul":"c-","luuull":"c-","luuullu":"ajc+","luul":"ajc","luulu":"ajc","luuluu":"ajc+","luuluul":"c-","luulul":"c-","luululu":"ajc+","luull":"c-","luullu":"c","luulluu":"ajc+","lul":"ajc","lulu":"ajc","luluu":"ajc","luluuu":"ajc+","luluuul":"c-","luluul":"c-","luluulu":"ajc+","lulul":"c-","lululu":"c","lululuu":"ajc+","lull":"c-","lullu":"c","lulluu":"c","lulluuu":"ajc+","ll":"ajc","llu":"ajc+","lluu":"ajc","lluuu":"ajc","lluuuu":"ajc+","lluuuul":"c-","lluuul":"c-","lluuulu":"ajc+","lluul":"c-","lluulu":"c","lluuluu":"ajc+","llul":"c-","llulu":"c","lluluu":"c","lluluuu":"ajc+","lll":"c-","lllu":"c","llluu":"c","llluuu":"c","llluuuu":"c"}},"broken-rolling-false":{"about":"The most repeated answer, and no fix. Without rolling, a session ends at a fixed time. But the library still sets the cookie on every response. Only the expiry that it gives it no longer moves.","looks":{"":"ajc","u":"ajc+","uu":"ajc","uuu":"ajc","uuuu":"ajc+","uuuul":"ajc+","uuuull":"ajc","uuuulll":"c-","uuul":"ajc+","uuulu":"ajc+","uuulul":"ajc","uuulull":"c-","uuull":"ajc","uuullu":"ajc+","uuullul":"c-","uuulll":"c-","uuulllu":"ajc+","uul":"ajc+","uulu":"ajc","uuluu":"ajc+","uuluul":"ajc","uuluull":"c-","uulul":"ajc","uululu":"ajc+","uululul":"c-","uulull":"c-","uulullu":"ajc+","uull":"ajc","uullu":"ajc","uulluu":"ajc+","uulluul":"c-","uullul":"c-","uullulu":"ajc+","uulll":"c-","uulllu":"c","uullluu":"ajc+","ul":"ajc+","ulu":"ajc","uluu":"ajc","uluuu":"ajc+","uluuul":"ajc","uluuull":"c-","uluul":"ajc","uluulu":"ajc+","uluulul":"c-","uluull":"c-","uluullu":"ajc+","ulul":"ajc","ululu":"ajc","ululuu":"ajc+","ululuul":"c-","ululul":"c-","ulululu":"ajc+","ulull":"c-","ulullu":"c","ululluu":"ajc+","ull":"ajc","ullu":"ajc","ulluu":"ajc","ulluuu":"ajc+","ulluuul":"c-","ulluul":"c-","ulluulu":"ajc+","ullul":"c-","ullulu":"c","ulluluu":"ajc+","ulll":"c-","ulllu":"c","ullluu":"c","ullluuu":"ajc+","l":"ajc+","lu":"ajc+","luu":"ajc","luuu":"ajc","luuuu":"ajc+","luuuul":"ajc","luuuull":"c-","luuul":"ajc","luuulu":"ajc+","luuulul":"c-","luuull":"c-","luuullu":"ajc+","luul":"ajc","luulu":"ajc","luuluu":"ajc+","luuluul":"c-","luulul":"c-","luululu":"ajc+","luull":"c-","luullu":"c","luulluu":"ajc+","lul":"ajc","lulu":"ajc","luluu":"ajc","luluuu":"ajc+","luluuul":"c-","luluul":"c-","luluulu":"ajc+","lulul":"c-","lululu":"c","lululuu":"ajc+","lull":"c-","lullu":"c","lulluu":"c","lulluuu":"ajc+","ll":"ajc","llu":"ajc+","lluu":"ajc","lluuu":"ajc","lluuuu":"ajc+","lluuuul":"c-","lluuul":"c-","lluuulu":"ajc+","lluul":"c-","lluulu":"c","lluuluu":"ajc+","llul":"c-","llulu":"c","lluluu":"c","lluluuu":"ajc+","lll":"c-","lllu":"c","llluu":"c","llluuu":"c","llluuuu":"c"}},"broken-plain-store":{"about":"The second most repeated answer, and no fix: a session store, as in the library's own example. The logout destroys the session. Then the late request ends, and the library writes back the session that it loaded at the start.","looks":{"":"ajc","u":"ajc+","uu":"ajc","uuu":"ajc","uuuu":"ajc+","uuuul":"ajc+","uuuull":"j","uuuulll":"-","uuul":"ajc+","uuulu":"ajc+","uuulul":"j","uuulull":"-","uuull":"j","uuullu":"j+","uuullul":"-","uuulll":"-","uuulllu":"j+","uul":"ajc+","uulu":"ajc","uuluu":"ajc+","uuluul":"j","uuluull":"-","uulul":"j","uululu":"j+","uululul":"-","uulull":"-","uulullu":"j+","uull":"j","uullu":"ajc","uulluu":"ajc+","uulluul":"c-","uullul":"c-","uullulu":"ajc+","uulll":"-","uulllu":"c","uullluu":"ajc+","ul":"ajc+","ulu":"ajc","uluu":"ajc","uluuu":"ajc+","uluuul":"j","uluuull":"-","uluul":"j","uluulu":"j+","uluulul":"-","uluull":"-","uluullu":"j+","ulul":"j","ululu":"ajc","ululuu":"ajc+","ululuul":"c-","ululul":"c-","ulululu":"ajc+","ulull":"-","ulullu":"c","ululluu":"ajc+","ull":"j","ullu":"j","ulluu":"j","ulluuu":"-","ulluuul":"-","ulluul":"-","ulluulu":"-","ullul":"-","ullulu":"","ulluluu":"-","ulll":"-","ulllu":"","ullluu":"","ullluuu":"-","l":"ajc+","lu":"ajc+","luu":"ajc","luuu":"ajc","luuuu":"ajc+","luuuul":"j","luuuull":"-","luuul":"j","luuulu":"j+","luuulul":"-","luuull":"-","luuullu":"j+","luul":"j","luulu":"ajc","luuluu":"ajc+","luuluul":"c-","luulul":"c-","luululu":"ajc+","luull":"-","luullu":"c","luulluu":"ajc+","lul":"j","lulu":"j","luluu":"j","luluuu":"-","luluuul":"-","luluul":"-","luluulu":"-","lulul":"-","lululu":"","lululuu":"-","lull":"-","lullu":"","lulluu":"","lulluuu":"-","ll":"j","llu":"j+","lluu":"j","lluuu":"j","lluuuu":"-","lluuuul":"-","lluuul":"-","lluuulu":"-","lluul":"-","lluulu":"","lluuluu":"-","llul":"-","llulu":"","lluluu":"","lluluuu":"-","lll":"-","lllu":"","llluu":"","llluuu":"","llluuuu":""}},"broken-check-then-set":{"about":"Half of the remedy: look before writing, and write only if the session is still there. But between the look and the write there is time, and in Redis, which other processes use as well, it is a round trip long. A logout that comes then is undone. fix-store-redis.ts does both in one command.","looks":{"":"ajc","u":"ajc+","uu":"ajc","uuu":"ajc","uuuu":"ajc+","uuuul":"ajc+","uuuull":"j","uuuulll":"-","uuul":"ajc+","uuulu":"ajc+","uuulul":"j","uuulull":"-","uuull":"j","uuullu":"j+","uuullul":"-","uuulll":"-","uuulllu":"j+","uul":"ajc+","uulu":"ajc","uuluu":"ajc+","uuluul":"j","uuluull":"-","uulul":"j","uululu":"j+","uululul":"-","uulull":"-","uulullu":"j+","uull":"j","uullu":"j","uulluu":"j+","uulluul":"-","uullul":"-","uullulu":"j+","uulll":"-","uulllu":"","uullluu":"j+","ul":"ajc+","ulu":"ajc","uluu":"ajc","uluuu":"ajc+","uluuul":"j","uluuull":"-","uluul":"j","uluulu":"j+","uluulul":"-","uluull":"-","uluullu":"j+","ulul":"j","ululu":"j","ululuu":"j+","ululuul":"-","ululul":"-","ulululu":"j+","ulull":"-","ulullu":"","ululluu":"j+","ull":"j","ullu":"j","ulluu":"j","ulluuu":"-","ulluuul":"-","ulluul":"-","ulluulu":"-","ullul":"-","ullulu":"","ulluluu":"-","ulll":"-","ulllu":"","ullluu":"","ullluuu":"-","l":"ajc+","lu":"ajc+","luu":"ajc","luuu":"ajc","luuuu":"ajc+","luuuul":"j","luuuull":"-","luuul":"j","luuulu":"j+","luuulul":"-","luuull":"-","luuullu":"j+","luul":"j","luulu":"j","luuluu":"j+","luuluul":"-","luulul":"-","luululu":"j+","luull":"-","luullu":"","luulluu":"j+","lul":"j","lulu":"j","luluu":"j","luluuu":"-","luluuul":"-","luluul":"-","luluulu":"-","lulul":"-","lululu":"","lululuu":"-","lull":"-","lullu":"","lulluu":"","lulluuu":"-","ll":"j","llu":"j+","lluu":"j","lluuu":"j","lluuuu":"-","lluuuul":"-","lluuul":"-","lluuulu":"-","lluul":"-","lluulu":"","lluuluu":"-","llul":"-","llulu":"","lluluu":"","lluluuu":"-","lll":"-","lllu":"","llluu":"","llluuu":"","llluuuu":""}},"fix-ordering":{"about":"The post's fix. The /update handler stands above auth(), and Express runs a middleware only for what is registered below it: no response of this route sets the session cookie. The price: the route neither knows nor checks who calls. And every other route still has the bug.","looks":{"":"ajc","u":"ajc+","uu":"ajc","uuu":"ajc","uuuu":"ajc","uuuul":"ajc+","uuuull":"ajc","uuuulll":"c-","uuul":"ajc+","uuulu":"ajc","uuulul":"ajc","uuulull":"c-","uuull":"ajc","uuullu":"ajc","uuullul":"c-","uuulll":"c-","uuulllu":"c","uul":"ajc+","uulu":"ajc","uuluu":"ajc","uuluul":"ajc","uuluull":"c-","uulul":"ajc","uululu":"ajc","uululul":"c-","uulull":"c-","uulullu":"c","uull":"ajc","uullu":"ajc","uulluu":"ajc","uulluul":"c-","uullul":"c-","uullulu":"c","uulll":"c-","uulllu":"c","uullluu":"c","ul":"ajc+","ulu":"ajc","uluu":"ajc","uluuu":"ajc","uluuul":"ajc","uluuull":"c-","uluul":"ajc","uluulu":"ajc","uluulul":"c-","uluull":"c-","uluullu":"c","ulul":"ajc","ululu":"ajc","ululuu":"ajc","ululuul":"c-","ululul":"c-","ulululu":"c","ulull":"c-","ulullu":"c","ululluu":"c","ull":"ajc","ullu":"ajc","ulluu":"ajc","ulluuu":"ajc","ulluuul":"c-","ulluul":"c-","ulluulu":"c","ullul":"c-","ullulu":"c","ulluluu":"c","ulll":"c-","ulllu":"c","ullluu":"c","ullluuu":"c","l":"ajc+","lu":"ajc+","luu":"ajc","luuu":"ajc","luuuu":"ajc","luuuul":"ajc","luuuull":"c-","luuul":"ajc","luuulu":"ajc","luuulul":"c-","luuull":"c-","luuullu":"c","luul":"ajc","luulu":"ajc","luuluu":"ajc","luuluul":"c-","luulul":"c-","luululu":"c","luull":"c-","luullu":"c","luulluu":"c","lul":"ajc","lulu":"ajc","luluu":"ajc","luluuu":"ajc","luluuul":"c-","luluul":"c-","luluulu":"c","lulul":"c-","lululu":"c","lululuu":"c","lull":"c-","lullu":"c","lulluu":"c","lulluuu":"c","ll":"ajc","llu":"ajc+","lluu":"ajc","lluuu":"ajc","lluuuu":"ajc","lluuuul":"c-","lluuul":"c-","lluuulu":"c","lluul":"c-","lluulu":"c","lluuluu":"c","llul":"c-","llulu":"c","lluluu":"c","lluluuu":"c","lll":"c-","lllu":"c","llluu":"c","llluuu":"c","llluuuu":"c"}},"fix-read-only-route":{"about":"As easy as moving the route, without that price. The route stays below auth() and knows who calls, but its response leaves the session cookie alone. The new price: what the route changes in the session is lost. And every other route still has the bug. The cookie is known by its name, which auth() is given, too: one that auth() does not know would be no fix, and no error.","looks":{"":"ajc","u":"ajc+","uu":"ajc","uuu":"ajc","uuuu":"ajc","uuuul":"ajc+","uuuull":"ajc","uuuulll":"c-","uuul":"ajc+","uuulu":"ajc","uuulul":"ajc","uuulull":"c-","uuull":"ajc","uuullu":"ajc","uuullul":"c-","uuulll":"c-","uuulllu":"c","uul":"ajc+","uulu":"ajc","uuluu":"ajc","uuluul":"ajc","uuluull":"c-","uulul":"ajc","uululu":"ajc","uululul":"c-","uulull":"c-","uulullu":"c","uull":"ajc","uullu":"ajc","uulluu":"ajc","uulluul":"c-","uullul":"c-","uullulu":"c","uulll":"c-","uulllu":"c","uullluu":"c","ul":"ajc+","ulu":"ajc","uluu":"ajc","uluuu":"ajc","uluuul":"ajc","uluuull":"c-","uluul":"ajc","uluulu":"ajc","uluulul":"c-","uluull":"c-","uluullu":"c","ulul":"ajc","ululu":"ajc","ululuu":"ajc","ululuul":"c-","ululul":"c-","ulululu":"c","ulull":"c-","ulullu":"c","ululluu":"c","ull":"ajc","ullu":"ajc","ulluu":"ajc","ulluuu":"ajc","ulluuul":"c-","ulluul":"c-","ulluulu":"c","ullul":"c-","ullulu":"c","ulluluu":"c","ulll":"c-","ulllu":"c","ullluu":"c","ullluuu":"c","l":"ajc+","lu":"ajc+","luu":"ajc","luuu":"ajc","luuuu":"ajc","luuuul":"ajc","luuuull":"c-","luuul":"ajc","luuulu":"ajc","luuulul":"c-","luuull":"c-","luuullu":"c","luul":"ajc","luulu":"ajc","luuluu":"ajc","luuluul":"c-","luulul":"c-","luululu":"c","luull":"c-","luullu":"c","luulluu":"c","lul":"ajc","lulu":"ajc","luluu":"ajc","luluuu":"ajc","luluuul":"c-","luluul":"c-","luluulu":"c","lulul":"c-","lululu":"c","lululuu":"c","lull":"c-","lullu":"c","lulluu":"c","lulluuu":"c","ll":"ajc","llu":"ajc+","lluu":"ajc","lluuu":"ajc","lluuuu":"ajc","lluuuul":"c-","lluuul":"c-","lluuulu":"c","lluul":"c-","lluulu":"c","lluuluu":"c","llul":"c-","llulu":"c","lluluu":"c","lluluuu":"c","lll":"c-","lllu":"c","llluu":"c","llluuu":"c","llluuuu":"c"}},"fix-navigations-only":{"about":"All routes at once, and no store. The session cookie is only set when the user goes to a page (Sec-Fetch-Mode: navigate), when the session changes, as on login and logout, and once half a day has passed since it was last set. So a page that another tab loads during the logout still logs the user back in, and so does a late response that happens to come after half a day. Clients without that header, such as Safari before 16.4 or any browser on plain http, have sessions that roll twice a day.","looks":{"":"ajc","u":"ajc+","uu":"ajc","uuu":"ajc","uuuu":"ajc","uuuul":"ajc+","uuuull":"ajc","uuuulll":"c-","uuul":"ajc+","uuulu":"ajc","uuulul":"ajc","uuulull":"c-","uuull":"ajc","uuullu":"ajc","uuullul":"c-","uuulll":"c-","uuulllu":"c","uul":"ajc+","uulu":"ajc","uuluu":"ajc","uuluul":"ajc","uuluull":"c-","uulul":"ajc","uululu":"ajc","uululul":"c-","uulull":"c-","uulullu":"c","uull":"ajc","uullu":"ajc","uulluu":"ajc","uulluul":"c-","uullul":"c-","uullulu":"c","uulll":"c-","uulllu":"c","uullluu":"c","ul":"ajc+","ulu":"ajc","uluu":"ajc","uluuu":"ajc","uluuul":"ajc","uluuull":"c-","uluul":"ajc","uluulu":"ajc","uluulul":"c-","uluull":"c-","uluullu":"c","ulul":"ajc","ululu":"ajc","ululuu":"ajc","ululuul":"c-","ululul":"c-","ulululu":"c","ulull":"c-","ulullu":"c","ululluu":"c","ull":"ajc","ullu":"ajc","ulluu":"ajc","ulluuu":"ajc","ulluuul":"c-","ulluul":"c-","ulluulu":"c","ullul":"c-","ullulu":"c","ulluluu":"c","ulll":"c-","ulllu":"c","ullluu":"c","ullluuu":"c","l":"ajc+","lu":"ajc+","luu":"ajc","luuu":"ajc","luuuu":"ajc","luuuul":"ajc","luuuull":"c-","luuul":"ajc","luuulu":"ajc","luuulul":"c-","luuull":"c-","luuullu":"c","luul":"ajc","luulu":"ajc","luuluu":"ajc","luuluul":"c-","luulul":"c-","luululu":"c","luull":"c-","luullu":"c","luulluu":"c","lul":"ajc","lulu":"ajc","luluu":"ajc","luluuu":"ajc","luluuul":"c-","luluul":"c-","luluulu":"c","lulul":"c-","lululu":"c","lululuu":"c","lull":"c-","lullu":"c","lulluu":"c","lulluuu":"c","ll":"ajc","llu":"ajc+","lluu":"ajc","lluuu":"ajc","lluuuu":"ajc","lluuuul":"c-","lluuul":"c-","lluuulu":"c","lluul":"c-","lluulu":"c","lluuluu":"c","llul":"c-","llulu":"c","lluluu":"c","lluluuu":"c","lll":"c-","lllu":"c","llluu":"c","llluuu":"c","llluuuu":"c"}},"fix-front-end":{"about":"Managing the concurrency in the app: the page waits for its own requests, and only then goes to /logout. The server is that of broken.ts. So all it takes is a request that this page does not know of, from another tab or from sendBeacon. And a slow request holds up the logout.","looks":{"":"ajc","u":"ajc+","uu":"ajc","uuu":"ajc","uuuu":"ajc+","uuuul":"ajc+","uuuull":"ajc","uuuulll":"c-"}},"fix-back-channel":{"about":"The standard's own remedy: OpenID Connect Back-Channel Logout. When the user logs out, the provider tells the app, and the library's hooks refuse the session from then on. Until that call arrives, it lives. And the hooks refuse the user, not only the session: all of their devices are logged out, until the user logs in on one of them. Then the others are logged in again, too. A late response still sets a cookie, which the next one clears.","looks":{"":"ajc","u":"ajc+","uu":"ajc","uuu":"ajc","uuuu":"ajc+","uuuul":"ajc+","uuuull":"ajc","uuuulll":"-","uuul":"ajc+","uuulu":"ajc+","uuulul":"ajc","uuulull":"-","uuull":"ajc","uuullu":"ajc+","uuullul":"-","uuulll":"-","uuulllu":"j+","uul":"ajc+","uulu":"ajc","uuluu":"ajc+","uuluul":"ajc","uuluull":"-","uulul":"ajc","uululu":"ajc+","uululul":"-","uulull":"-","uulullu":"j+","uull":"ajc","uullu":"ajc","uulluu":"ajc+","uulluul":"-","uullul":"-","uullulu":"j+","uulll":"-","uulllu":"","uullluu":"j+","ul":"ajc+","ulu":"ajc","uluu":"ajc","uluuu":"ajc+","uluuul":"ajc","uluuull":"-","uluul":"ajc","uluulu":"ajc+","uluulul":"-","uluull":"-","uluullu":"j+","ulul":"ajc","ululu":"ajc","ululuu":"ajc+","ululuul":"-","ululul":"-","ulululu":"j+","ulull":"-","ulullu":"","ululluu":"j+","ull":"ajc","ullu":"ajc","ulluu":"ajc","ulluuu":"ajc+","ulluuul":"-","ulluul":"-","ulluulu":"j+","ullul":"-","ullulu":"","ulluluu":"j+","ulll":"-","ulllu":"","ullluu":"","ullluuu":"-","l":"ajc+","lu":"ajc+","luu":"ajc","luuu":"ajc","luuuu":"ajc+","luuuul":"ajc","luuuull":"-","luuul":"ajc","luuulu":"ajc+","luuulul":"-","luuull":"-","luuullu":"j+","luul":"ajc","luulu":"ajc","luuluu":"ajc+","luuluul":"-","luulul":"-","luululu":"j+","luull":"-","luullu":"","luulluu":"j+","lul":"ajc","lulu":"ajc","luluu":"ajc","luluuu":"ajc+","luluuul":"-","luluul":"-","luluulu":"j+","lulul":"-","lululu":"","lululuu":"j+","lull":"-","lullu":"","lulluu":"","lulluuu":"-","ll":"ajc","llu":"ajc+","lluu":"ajc","lluuu":"ajc","lluuuu":"ajc+","lluuuul":"-","lluuul":"-","lluuulu":"j+","lluul":"-","lluulu":"","lluuluu":"j+","llul":"-","llulu":"","lluluu":"","lluluuu":"-","lll":"-","lllu":"","llluu":"","llluuu":"","llluuuu":""}},"fix-deny-list":{"about":"The session stays in its cookie. The logout puts its login on a list, which the library's hook asks on each request. So it holds on the server, too. The price: a late cookie replaces the next user's. A lost list lets copies in.","looks":{"":"ajc","u":"ajc+","uu":"ajc","uuu":"ajc","uuuu":"ajc+","uuuul":"ajc+","uuuull":"j","uuuulll":"-","uuul":"ajc+","uuulu":"ajc+","uuulul":"j","uuulull":"-","uuull":"j","uuullu":"j+","uuullul":"-","uuulll":"-","uuulllu":"j+","uul":"ajc+","uulu":"ajc","uuluu":"ajc+","uuluul":"j","uuluull":"-","uulul":"j","uululu":"j+","uululul":"-","uulull":"-","uulullu":"j+","uull":"j","uullu":"j","uulluu":"j+","uulluul":"-","uullul":"-","uullulu":"j+","uulll":"-","uulllu":"","uullluu":"j+","ul":"ajc+","ulu":"ajc","uluu":"ajc","uluuu":"ajc+","uluuul":"j","uluuull":"-","uluul":"j","uluulu":"j+","uluulul":"-","uluull":"-","uluullu":"j+","ulul":"j","ululu":"j","ululuu":"j+","ululuul":"-","ululul":"-","ulululu":"j+","ulull":"-","ulullu":"","ululluu":"j+","ull":"j","ullu":"j","ulluu":"j","ulluuu":"-","ulluuul":"-","ulluul":"-","ulluulu":"-","ullul":"-","ullulu":"","ulluluu":"-","ulll":"-","ulllu":"","ullluu":"","ullluuu":"-","l":"ajc+","lu":"ajc+","luu":"ajc","luuu":"ajc","luuuu":"ajc+","luuuul":"j","luuuull":"-","luuul":"j","luuulu":"j+","luuulul":"-","luuull":"-","luuullu":"j+","luul":"j","luulu":"j","luuluu":"j+","luuluul":"-","luulul":"-","luululu":"j+","luull":"-","luullu":"","luulluu":"j+","lul":"j","lulu":"j","luluu":"j","luluuu":"-","luluuul":"-","luluul":"-","luluulu":"-","lulul":"-","lululu":"","lululuu":"-","lull":"-","lullu":"","lulluu":"","lulluuu":"-","ll":"j","llu":"j+","lluu":"j","lluuu":"j","lluuuu":"-","lluuuul":"-","lluuul":"-","lluuulu":"-","lluul":"-","lluulu":"","lluuluu":"-","llul":"-","llulu":"","lluluu":"","lluluuu":"-","lll":"-","lllu":"","llluu":"","llluuu":"","llluuuu":""}},"fix-store":{"about":"The custom session store, done right: the cookie holds an id, the session stays here, and an id whose session was destroyed never has one again. A plain store is no fix. The library ends each request with a write of the session that it loaded at the start, so the late one puts it back. Here it still sets the cookie again, with an id that is worth nothing by then. The price: it takes the place of the cookie of whoever has logged in since. And this store is for one process, which forgets all sessions when it ends.","looks":{"":"ajc","u":"ajc+","uu":"ajc","uuu":"ajc","uuuu":"ajc+","uuuul":"ajc+","uuuull":"j","uuuulll":"-","uuul":"ajc+","uuulu":"ajc+","uuulul":"j","uuulull":"-","uuull":"j","uuullu":"j+","uuullul":"-","uuulll":"-","uuulllu":"j+","uul":"ajc+","uulu":"ajc","uuluu":"ajc+","uuluul":"j","uuluull":"-","uulul":"j","uululu":"j+","uululul":"-","uulull":"-","uulullu":"j+","uull":"j","uullu":"j","uulluu":"j+","uulluul":"-","uullul":"-","uullulu":"j+","uulll":"-","uulllu":"","uullluu":"j+","ul":"ajc+","ulu":"ajc","uluu":"ajc","uluuu":"ajc+","uluuul":"j","uluuull":"-","uluul":"j","uluulu":"j+","uluulul":"-","uluull":"-","uluullu":"j+","ulul":"j","ululu":"j","ululuu":"j+","ululuul":"-","ululul":"-","ulululu":"j+","ulull":"-","ulullu":"","ululluu":"j+","ull":"j","ullu":"j","ulluu":"j","ulluuu":"-","ulluuul":"-","ulluul":"-","ulluulu":"-","ullul":"-","ullulu":"","ulluluu":"-","ulll":"-","ulllu":"","ullluu":"","ullluuu":"-","l":"ajc+","lu":"ajc+","luu":"ajc","luuu":"ajc","luuuu":"ajc+","luuuul":"j","luuuull":"-","luuul":"j","luuulu":"j+","luuulul":"-","luuull":"-","luuullu":"j+","luul":"j","luulu":"j","luuluu":"j+","luuluul":"-","luulul":"-","luululu":"j+","luull":"-","luullu":"","luulluu":"j+","lul":"j","lulu":"j","luluu":"j","luluuu":"-","luluuul":"-","luluul":"-","luluulu":"-","lulul":"-","lululu":"","lululuu":"-","lull":"-","lullu":"","lulluu":"","lulluuu":"-","ll":"j","llu":"j+","lluu":"j","lluuu":"j","lluuuu":"-","lluuuul":"-","lluuul":"-","lluuulu":"-","lluul":"-","lluulu":"","lluuluu":"-","llul":"-","llulu":"","lluluu":"","lluluuu":"-","lll":"-","lllu":"","llluu":"","llluuu":"","llluuuu":""}},"fix-store-redis":{"about":"fix-store.ts for more than one process: the sessions are in Redis, and its SET … XX is the rule in one command. It writes only if there is something, and lets nobody in between. When Redis does not answer, the library takes that for \"no session\". The price: one read that fails logs the user out for good. The library clears the cookie, and destroys the session if it can.","looks":{"":"ajc","u":"ajc+","uu":"ajc","uuu":"ajc","uuuu":"ajc+","uuuul":"ajc+","uuuull":"j","uuuulll":"-","uuul":"ajc+","uuulu":"ajc+","uuulul":"j","uuulull":"-","uuull":"j","uuullu":"j+","uuullul":"-","uuulll":"-","uuulllu":"j+","uul":"ajc+","uulu":"ajc","uuluu":"ajc+","uuluul":"j","uuluull":"-","uulul":"j","uululu":"j+","uululul":"-","uulull":"-","uulullu":"j+","uull":"j","uullu":"j","uulluu":"j+","uulluul":"-","uullul":"-","uullulu":"j+","uulll":"-","uulllu":"","uullluu":"j+","ul":"ajc+","ulu":"ajc","uluu":"ajc","uluuu":"ajc+","uluuul":"j","uluuull":"-","uluul":"j","uluulu":"j+","uluulul":"-","uluull":"-","uluullu":"j+","ulul":"j","ululu":"j","ululuu":"j+","ululuul":"-","ululul":"-","ulululu":"j+","ulull":"-","ulullu":"","ululluu":"j+","ull":"j","ullu":"j","ulluu":"j","ulluuu":"-","ulluuul":"-","ulluul":"-","ulluulu":"-","ullul":"-","ullulu":"","ulluluu":"-","ulll":"-","ulllu":"","ullluu":"","ullluuu":"-","l":"ajc+","lu":"ajc+","luu":"ajc","luuu":"ajc","luuuu":"ajc+","luuuul":"j","luuuull":"-","luuul":"j","luuulu":"j+","luuulul":"-","luuull":"-","luuullu":"j+","luul":"j","luulu":"j","luuluu":"j+","luuluul":"-","luulul":"-","luululu":"j+","luull":"-","luullu":"","luulluu":"j+","lul":"j","lulu":"j","luluu":"j","luluuu":"-","luluuul":"-","luluul":"-","luluulu":"-","lulul":"-","lululu":"","lululuu":"-","lull":"-","lullu":"","lulluu":"","lulluuu":"-","ll":"j","llu":"j+","lluu":"j","lluuu":"j","lluuuu":"-","lluuuul":"-","lluuul":"-","lluuulu":"-","lluul":"-","lluulu":"","lluuluu":"-","llul":"-","llulu":"","lluluu":"","lluluuu":"-","lll":"-","lllu":"","llluu":"","llluuu":"","llluuuu":""}},"fix-complete":{"about":"All of it, in the one file that you can take into your app: lastingLogout wraps auth(). A session that has ended stays ended, and only a response that begins, changes, extends or ends a session touches its cookie. It works with the store that you have. The price: two reads of it for each request, or one where you can give it `update`, which writes only what is there.","looks":{"":"ajc","u":"ajc+","uu":"ajc","uuu":"ajc","uuuu":"ajc+","uuuul":"ajc+","uuuull":"j","uuuulll":"-","uuul":"ajc+","uuulu":"ajc+","uuulul":"j","uuulull":"-","uuull":"j","uuullu":"j+","uuullul":"-","uuulll":"-","uuulllu":"j+","uul":"ajc+","uulu":"ajc","uuluu":"ajc+","uuluul":"j","uuluull":"-","uulul":"j","uululu":"j+","uululul":"-","uulull":"-","uulullu":"j+","uull":"j","uullu":"j","uulluu":"j","uulluul":"-","uullul":"-","uullulu":"","uulll":"-","uulllu":"","uullluu":"","ul":"ajc+","ulu":"ajc","uluu":"ajc","uluuu":"ajc+","uluuul":"j","uluuull":"-","uluul":"j","uluulu":"j+","uluulul":"-","uluull":"-","uluullu":"j+","ulul":"j","ululu":"j","ululuu":"j","ululuul":"-","ululul":"-","ulululu":"","ulull":"-","ulullu":"","ululluu":"","ull":"j","ullu":"j","ulluu":"j","ulluuu":"j","ulluuul":"-","ulluul":"-","ulluulu":"","ullul":"-","ullulu":"","ulluluu":"","ulll":"-","ulllu":"","ullluu":"","ullluuu":"","l":"ajc+","lu":"ajc+","luu":"ajc","luuu":"ajc","luuuu":"ajc+","luuuul":"j","luuuull":"-","luuul":"j","luuulu":"j+","luuulul":"-","luuull":"-","luuullu":"j+","luul":"j","luulu":"j","luuluu":"j","luuluul":"-","luulul":"-","luululu":"","luull":"-","luullu":"","luulluu":"","lul":"j","lulu":"j","luluu":"j","luluuu":"j","luluuul":"-","luluul":"-","luluulu":"","lulul":"-","lululu":"","lululuu":"","lull":"-","lullu":"","lulluu":"","lulluuu":"","ll":"j","llu":"j+","lluu":"j","lluuu":"j","lluuuu":"j","lluuuul":"-","lluuul":"-","lluuulu":"","lluul":"-","lluulu":"","lluuluu":"","llul":"-","llulu":"","lluluu":"","lluluuu":"","lll":"-","lllu":"","llluu":"","llluuu":"","llluuuu":""}},"fix-complete-cookie":{"about":"The same without a session store. Sessions stay in their cookies, and the server remembers which of them have ended, for two days each. The price: one look for each request. And whoever loses that list lets old copies in again.","looks":{"":"ajc","u":"ajc+","uu":"ajc","uuu":"ajc","uuuu":"ajc+","uuuul":"ajc+","uuuull":"j","uuuulll":"-","uuul":"ajc+","uuulu":"ajc+","uuulul":"j","uuulull":"-","uuull":"j","uuullu":"j+","uuullul":"-","uuulll":"-","uuulllu":"j+","uul":"ajc+","uulu":"ajc","uuluu":"ajc+","uuluul":"j","uuluull":"-","uulul":"j","uululu":"j+","uululul":"-","uulull":"-","uulullu":"j+","uull":"j","uullu":"j","uulluu":"j","uulluul":"-","uullul":"-","uullulu":"","uulll":"-","uulllu":"","uullluu":"","ul":"ajc+","ulu":"ajc","uluu":"ajc","uluuu":"ajc+","uluuul":"j","uluuull":"-","uluul":"j","uluulu":"j+","uluulul":"-","uluull":"-","uluullu":"j+","ulul":"j","ululu":"j","ululuu":"j","ululuul":"-","ululul":"-","ulululu":"","ulull":"-","ulullu":"","ululluu":"","ull":"j","ullu":"j","ulluu":"j","ulluuu":"j","ulluuul":"-","ulluul":"-","ulluulu":"","ullul":"-","ullulu":"","ulluluu":"","ulll":"-","ulllu":"","ullluu":"","ullluuu":"","l":"ajc+","lu":"ajc+","luu":"ajc","luuu":"ajc","luuuu":"ajc+","luuuul":"j","luuuull":"-","luuul":"j","luuulu":"j+","luuulul":"-","luuull":"-","luuullu":"j+","luul":"j","luulu":"j","luuluu":"j","luuluul":"-","luulul":"-","luululu":"","luull":"-","luullu":"","luulluu":"","lul":"j","lulu":"j","luluu":"j","luluuu":"j","luluuul":"-","luluul":"-","luluulu":"","lulul":"-","lululu":"","lululuu":"","lull":"-","lullu":"","lulluu":"","lulluuu":"","ll":"j","llu":"j+","lluu":"j","lluuu":"j","lluuuu":"j","lluuuul":"-","lluuul":"-","lluuulu":"","lluul":"-","lluulu":"","lluuluu":"","llul":"-","llulu":"","lluluu":"","lluluuu":"","lll":"-","lllu":"","llluu":"","llluuu":"","llluuuu":""}}};

// The orders of a late request and a logout, and what was seen in them. Nothing here knows what a
// server does.

/** What was recorded, by the snippet's name. The script that makes assets/race.js puts it in. */

/** The request that is late, or the logout. */

/** What happens to each, in this order. */
const STAGES = {
  u: ["sent", "received", "answered", "stored"],
  l: ["sent", "answered", "stored"],
}         ;

/** How many steps there are in all. */
const ALL = STAGES.u.length + STAGES.l.length;

/**
 * An order, as one number for each step of the update: how many steps of the logout come before it.
 * No number is smaller than the one before.
 */

/** Writes an order as it is recorded: a letter for each step. */
const lettersOf = (order       )         =>
  order
    .map((before, at) => `${"l".repeat(before - (order[at - 1] ?? 0))}u`)
    .join("")
    .padEnd(ALL, "l");

/** All orders: first those that go the least often from one of the two to the other. */
const ORDERS          = STAGES.u
  .reduce         (
    (orders) =>
      orders.flatMap((order) =>
        [0, 1, 2, 3]
          .filter((before) => before >= (order.at(-1) ?? 0))
          .map((before) => [...order, before]),
      ),
    [[]],
  )
  .sort((one, other) => difficultyOf(one) - difficultyOf(other));

function difficultyOf(order       )         {
  const letters = lettersOf(order);
  const switches = letters.match(/ul|lu/g)?.length ?? 0;
  return switches * 10 + Math.abs(letters.indexOf("l") - 2);
}

/** Which orders a snippet's page can produce, and which of them leave alice logged in. */
function outcomesOf(
  looks       ,
)                                         {
  const possible = ORDERS.filter((order) => lettersOf(order) in looks);
  const isLosing = (order       ) => looks[lettersOf(order)]?.includes("a");
  return { possible, losing: possible.filter(isLosing) };
}

/** One step, and what was seen after it. */

/** Tells an order step by step. */
function stepsOf(looks       , order       )         {
  const letters = lettersOf(order);
  const counts = { u: 0, l: 0 };
  return [...letters].map((letter, at) => {
    const chain = letter         ;
    const index = counts[chain]++;
    const [before, look] = [at, at + 1].map(
      (end) => looks[letters.slice(0, end)],
    );
    return {
      ...{ chain, index, look },
      stage: STAGES[chain][index]         ,
      cookie: look?.includes("+")
        ? "brought"
        : look?.includes("-")
          ? "cleared"
          : undefined,
      undoes:
        counts.l === STAGES.l.length &&
        !before?.includes("a") &&
        look?.includes("a") === true,
    };
  });
}

const PATHS = { u: "/update", l: "/logout" };
/** What the browser sends. */
const CALLS = { u: "POST /update", l: "GET /logout" };

/** Says what happens in a step: two short lines. */
function wordsOf(step      )                   {
  const { chain, stage, look, cookie, undoes } = step;
  const first = `${PATHS[chain]} ${stage}`;
  if (look === undefined) return [first, "cannot happen"];
  if (stage === "sent") return [first, `${withOrWithout(step)} the cookie`];
  if (stage !== "stored") return [first, "by the server"];
  if (cookie === "brought")
    return [first, `cookie set${undoes ? " again" : ""}`];
  return [first, cookie ? "cookie cleared" : "cookie left alone"];
}

const withOrWithout = ({ cookie }      )         =>
  cookie === "brought" ? "with" : "without";

/** Says the same in a sentence. */
function sentenceOf(step      )         {
  const { chain, stage, cookie, undoes } = step;
  const path = PATHS[chain];
  if (stage === "received") return "The server has /update, and works on it.";
  if (stage === "answered") return `The server answers ${path}.`;
  if (stage === "sent")
    return `The browser sends ${CALLS[chain]}, ${withOrWithout(step)} the session cookie.`;
  const does = { brought: "sets", cleared: "clears", alone: "leaves" };
  const after = undoes ? ", after the logout" : cookie ? "" : " alone";
  return `The answer to ${path} arrives, and ${does[cookie ?? "alone"]} the session cookie${after}.`;
}

/** Says what has just happened, or how it ended. */
function newsOf(server        , steps        , now        ) {
  const [step, next] = [steps[now - 1], steps[now]];
  const news = (head        , text        , kind = "") => ({
    head,
    text,
    kind,
  });
  if (!step)
    return news(
      "Nothing has happened yet.",
      "alice is logged in, and is about to click Log out.",
    );
  if (next?.look !== undefined)
    return news(`Step ${now} of ${ALL}.`, sentenceOf(step));
  if (next)
    return news(
      "This order cannot happen.",
      `The page of ${server} waits for the answer to /update, and only then goes to /logout.`,
    );
  if (step.look?.includes("a"))
    return news(
      "✗ This logout did not hold.",
      "alice clicked Log out. At the end, she is logged in.",
      "bad",
    );
  const but = step.look?.includes("c")
    ? " But whoever has a copy of the cookie is let in."
    : "";
  return news(
    "✓ This logout held.",
    `At the end, nobody is logged in.${but}`,
    "good",
  );
}

/** Says what was seen: whether each thing is so, by the letter of its place, in a sentence. */
const STATES                                            = {
  j: (isSo) => `The cookie jar has ${isSo ? "the" : "no"} session cookie.`,
  a: (isSo) => `In the browser, ${isSo ? "alice" : "nobody"} is logged in.`,
  c: (isSo) => `The server ${isSo ? "takes" : "refuses"} a copy of the cookie.`,
};

/** Says how many orders go wrong with a server, and whether this one does. */
function countOf(server        , looks       , order       )         {
  const { possible, losing } = outcomesOf(looks);
  const isAll = possible.length === ORDERS.length;
  const can = `Of the ${ORDERS.length} orders, ${possible.length} can happen with ${server}. `;
  if (losing.length === 0) {
    const other = server.startsWith("broken")
      ? " It fails in another way: see what this server does."
      : "";
    return isAll
      ? `None of the ${ORDERS.length} orders leaves alice logged in.${other}`
      : `${can}None leaves alice logged in.`;
  }
  const at = losing.indexOf(order) + 1;
  const here = at > 0 ? `This is number ${at} of them.` : "This one does not.";
  return `${isAll ? "" : can}${losing.length} of the ${possible.length} orders leave alice logged in. ${here} It is a count of orders, and does not say how often it happens.`;
}

/** Where each lane is, from the left. */
const LANES = { jar: "16.7%", browser: "50%", server: "83.3%" };

/** The letters of what is seen in each lane. */
const LETTERS = [
  ["jar", "j"],
  ["browser", "a"],
  ["server", "c"],
]         ;

/** How high a row is. */
const ROW = 3.5;

/** What is drawn. Its places are counted in rows, from the top. */

/** The arrows of the late request, of the logout, what logs in again, and what has not happened. */
const ARROW_LOOKS = ["u", "l", "undoes", "future"]         ;

/** What happens to a request in a row: where it goes, and what that does with the cookie. */

/** Draws the ways of requests. What undoes something does so when it is stored. */
function arrowsOf(rows       )                  {
  const arrows                  = [];
  /** Where each request has been last. */
  const places = new Map                           ();
  for (const [
    row,
    { nr, stages, withCookie, effect, look },
  ] of rows.entries()) {
    const own = look === "undoes" ? "u" : look;
    for (const [at, stage] of stages.entries()) {
      // What happens in one row is drawn one below the other.
      const y = row + (at + 1) / (stages.length + 1);
      const lane = /sent|stored/.test(stage) ? "browser" : "server";
      const from = places.get(nr);
      places.set(nr, [lane, y]);
      if (stage === "sent" && withCookie)
        arrows.push({ from: ["jar", y], to: ["browser", y], look: own });
      // Time that passes is no answer.
      if (!from || from[0] === lane) continue;
      arrows.push({ from, to: [lane, y], look: own });
      if (stage === "stored" && effect && effect !== "untouched")
        arrows.push({ from: ["browser", y], to: ["jar", y], look });
    }
  }
  return arrows;
}

/** Makes of an order what is drawn, when some of its steps have happened. */
function sceneOf(steps        , start        , now        )        {
  const looks = [start, ...steps.map(({ look }) => look)].slice(0, now + 1);
  const bars = looks.flatMap((look, at) => {
    const isLast = at === now && now < ALL;
    const from = Math.max(0, at - 0.5);
    const to = at === ALL ? ALL : at + (isLast && at > 0 ? 0 : 0.5);
    return LETTERS.flatMap(([lane, letter]) =>
      look?.includes(letter) ? { lane, from, to } : [],
    );
  });
  const rows = steps.map(
    ({ chain, stage, cookie, undoes }, row)      => ({
      ...{ nr: chain, stages: [stage], withCookie: cookie === "brought" },
      effect: cookie ? "set" : "untouched",
      look: row >= now ? "future" : undoes ? "undoes" : chain,
    }),
  );
  return { bars, arrows: arrowsOf(rows) };
}

/** Draws the lanes, and what goes from one to another, as what is in an `<svg>`. */
function draw({ bars, arrows }       )         {
  const heads = ARROW_LOOKS.map(
    (name) =>
      `<marker id="${name}" class="${name}" viewBox="0 0 10 10" refX="12" refY="5" markerWidth="11" markerHeight="11" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L10 5L0 10z"/></marker>`,
  );
  const down = (rows        ) => `${Math.round(rows * ROW * 100) / 100}em`;
  const parts = [
    ...Object.values(LANES).map(
      (x) => `<line x1="${x}" y1="0" x2="${x}" y2="100%"/>`,
    ),
    ...bars.map(
      ({ lane, from, to }) =>
        `<rect x="${LANES[lane]}" y="${down(from)}" width="8" height="${down(to - from)}" transform="translate(-4)"/>`,
    ),
    ...arrows.map(
      ({ from: [from, start], to: [to, end], look }) =>
        `<line class="${look}" x1="${LANES[from]}" y1="${down(start)}" x2="${LANES[to]}" y2="${down(end)}" marker-end="url(#${look})"/>`,
    ),
  ];
  return `<defs>${heads.join("")}</defs>${parts.join("")}`;
}

/** What is in the element. */
const HTML = `
<section aria-label="The race, to try">
  <p class="pick">
    <label for="server">Server</label>
    <select id="server"></select>
  </p>
  <p class="legend"><b>Blue</b> is the late request, <i>dashed</i> is the logout. A line is thick while the jar has the session cookie, while alice is logged in, and while the server takes a copy of the cookie.</p>
  <div class="picture">
    <p class="heads" aria-hidden="true"><span>cookie jar</span><span>browser</span><span>server</span></p>
    <div class="rows">
      <svg aria-hidden="true"></svg>
      <ol aria-label="What happens, from first to last"></ol>
    </div>
    <p id="how">Pick a step of <b>/update</b>, and move it: drag its grip, press the arrow keys, or use these buttons.</p>
    <p class="buttons">
      <button type="button" id="earlier"><span aria-hidden="true">▲</span> Earlier</button>
      <button type="button" id="later"><span aria-hidden="true">▼</span> Later</button>
    </p>
  </div>
  <div class="panel">
    <div role="status" aria-atomic="true">
      <p class="told"></p>
      <ul class="state">
        <li id="j"></li>
        <li id="a"></li>
        <li id="c"></li>
      </ul>
    </div>
    <p class="buttons">
      <button type="button" id="back"><span aria-hidden="true">◀</span> Step back</button>
      <button type="button" id="next"><span>Next step</span> <span aria-hidden="true">▶</span></button>
    </p>
    <p class="count"></p>
    <p class="buttons">
      <button type="button" id="wrong">Show me one that goes wrong</button>
      <button type="button" id="another">The next one</button>
    </p>
    <details>
      <summary>What this server does</summary>
      <p class="about"></p>
    </details>
  </div>
</section>`;

/** The colours, in the light and in the dark. */
const COLORS = {
  text: ["#1f2328", "#e6edf3"],
  faint: ["#59636e", "#9198a1"],
  card: ["#fff", "#0d1117"],
  line: ["#d1d9e0", "#3d444d"],
  update: ["#0757b8", "#7cb8ff"],
  alarm: ["#c11c28", "#ff7b72"],
  good: ["#116329", "#56d364"],
  band: ["#eaf2fc", "#16263c"],
};

/** How what is drawn looks. */
const DRAWING_STYLE = `line { stroke-width: 2; stroke: var(--faint) }
rect { fill: var(--text) }
.u { --stroke: var(--update) }
.l { --stroke: var(--text) }
line.u, line.l { stroke: var(--stroke) }
line.l { stroke-dasharray: 5 4 }
line.undoes { stroke: var(--alarm); stroke-width: 4 }
line.future { stroke: var(--line) }
marker path { fill: var(--stroke, var(--line)) }
marker.undoes path { fill: var(--alarm) }`;

/** How all looks, in the light and in the dark, on a phone and at a desk. */
const STYLE = `
:host {
  display: block; container-type: inline-size; color-scheme: light dark;
  ${Object.entries(COLORS)
    .map(([name, [light, dark]]) => `--${name}: light-dark(${light}, ${dark});`)
    .join(" ")}
  --row: ${ROW}em; --lanes: 8.5em;
}
:host([hidden]) { display: none }
* { box-sizing: border-box }
section {
  padding: 0.5em; border: 1px solid var(--line); border-radius: 0.75em;
  color: var(--text); background: var(--card);
  font: 1rem/1.3 system-ui, sans-serif; text-align: start;
}
p, ul, ol { margin: 0 0 0.75em; padding: 0; list-style: none }
.pick label { display: block; font-weight: 600 }
select, button {
  min-height: 2.75rem; border: 1px solid var(--line); border-radius: 0.5em;
  color: inherit; background: var(--card); font: inherit;
}
select { width: 100%; padding: 0 0.5em }
.buttons { display: flex; flex-wrap: wrap; gap: 0.5em }
.buttons button { flex: 1; padding: 0.25em 0.5em; font-weight: 600; cursor: pointer }
.buttons button:not([aria-disabled]) { border-color: var(--update); color: var(--update) }
.buttons #wrong { flex: 3 }
.buttons #another { flex: 2 }
.buttons #next, .buttons #wrong { color: var(--card); background: var(--update) }
.buttons [aria-disabled] { color: var(--faint); cursor: default }
.buttons [aria-disabled]:is(#next, #wrong) { color: var(--faint); background: var(--card) }
:focus-visible { outline: 3px solid var(--text); outline-offset: 2px }
.heads { display: flex; width: var(--lanes); margin: 0 0 2px; align-items: end }
.heads span { flex: 1; text-align: center; font-size: 0.78em; line-height: 1.1 }
.rows { position: relative; margin: 0 0 0.5em }
svg { position: absolute; z-index: 1; width: var(--lanes); height: 100%; overflow: visible; pointer-events: none }
ol { margin: 0 }
li { position: relative }
ol li { display: flex; height: var(--row); padding: 2px 0 2px calc(var(--lanes) + 0.25em) }
ol li.now { background: var(--band); border-radius: 0.5em }
ol li > :first-child {
  flex: 1; display: flex; flex-direction: column; justify-content: center; min-width: 0;
  padding: 0 0.35em; border: 1px solid transparent; font-size: 0.85em; text-align: start; line-height: 1.2; overflow-wrap: anywhere;
}
ol li > .step { border-color: var(--line); border-radius: 0.5em 0 0 0.5em; border-inline-start: 4px solid var(--update); background: none; cursor: pointer }
ol li > .step[aria-pressed="true"] { border-color: var(--update); box-shadow: inset 0 0 0 1px var(--update) }
ol p { margin: 0 }
ol b { font-weight: 600 }
ol .u b { color: var(--update) }
ol li.future * { color: var(--faint) !important; font-weight: 400 }
ol li.undoes :is(b, b + span) { color: var(--alarm); font-weight: 700 }
.grip {
  flex: none; display: grid; place-items: center; width: 2.75rem; border: 1px solid var(--line); border-inline-start: 0;
  border-radius: 0 0.5em 0.5em 0; color: var(--faint); cursor: grab; touch-action: none; user-select: none;
}
.dragging .grip { cursor: grabbing; color: var(--text) }
.legend, #how { font-size: 0.9em }
.legend b { color: var(--update) }
.legend i { font-style: normal; border-bottom: 2px dashed }
#how { margin-bottom: 0.5em }
.told { min-height: 4em }
.told strong { display: block; font-size: 1.15em }
.bad strong { color: var(--alarm) }
.good strong { color: var(--good) }
.state { font-size: 0.9em }
.state li { display: flex; gap: 0.5em; align-items: center; min-height: 1.75em }
.state li::before { content: ""; flex: none; width: 2px; height: 1.5em; margin: 0 3px; background: var(--faint) }
.state li.yes::before { width: 8px; margin: 0; background: var(--text) }
.count { font-size: 0.9em }
summary { min-height: 2.75rem; padding: 0.7rem 0; cursor: pointer; font-weight: 600 }
details p { margin: 0 }
${DRAWING_STYLE}
@container (min-width: 46rem) {
  section { display: grid; grid-template-columns: minmax(0, 6fr) minmax(0, 5fr); column-gap: 1.5em; padding: 1.25em }
  .pick, .legend { grid-column: 1 / -1 }
  section { --lanes: 22cqi }
  .heads span { font-size: 0.9em }
  .buttons button { padding: 0.25em 0.75em }
}`;

/** Shows a late request and a logout whose steps can be moved, and what was seen of them. */
class LogoutRace extends HTMLElement {
           #root = this.attachShadow({ mode: "open" });
  #server = Object.keys(RECORDED)[0] ?? "";
  #order        = ORDERS[0] ?? [];
  /** How many steps have happened. */
  #now = ALL;
  /** Which step of the update is picked, to be moved. */
  #picked = 2;
           #items                                 = { u: [], l: [] };

  /** What each button does, and whether it can. */
           #buttons                                                          = {
    earlier: [() => this.#move(this.#picked, -1), () => this.#before > 0],
    later: [
      () => this.#move(this.#picked, 1),
      () => this.#before < STAGES.l.length,
    ],
    back: [() => this.#step(-1), () => this.#now > 0],
    next: [() => this.#step(1), () => true],
    wrong: [() => this.#showLosing(0), () => this.#losing.length > 0],
    another: [() => this.#showLosing(1), () => this.#losing.length > 0],
  };

  connectedCallback()       {
    if (this.#items.u.length > 0) return;
    this.#root.innerHTML = `<style>${STYLE}</style>${HTML}`;
    this.#fillSelect();
    this.#items.u = STAGES.u.map((_, index) => this.#movable(index));
    this.#items.l = STAGES.l.map(() => itemOf("<p><b></b><span></span></p>"));
    this.#find("ol").append(...this.#items.u, ...this.#items.l);
    for (const [id, [click]] of Object.entries(this.#buttons)) {
      const button = this.#find(`#${id}`);
      button.addEventListener("click", () => {
        if (!button.ariaDisabled) click();
      });
    }
    this.#showLosing(0);
  }

  get #looks() {
    return RECORDED[this.#server]?.looks ?? {};
  }

  get #losing()          {
    return outcomesOf(this.#looks).losing;
  }

  /** How many steps of this order the snippet's page can produce. */
  get #last()         {
    const steps = stepsOf(this.#looks, this.#order);
    return steps.filter(({ look }) => look !== undefined).length;
  }

  /** How many steps of the logout come before the picked one. */
  get #before()         {
    return this.#order[this.#picked] ?? 0;
  }

  #find                                    (selector        )       {
    return this.#root.querySelector(selector)        ;
  }

  #fillSelect()       {
    const select = this.#find                   ("#server");
    for (const label of ["Broken", "Fixes"]) {
      const group = document.createElement("optgroup");
      group.label = label;
      for (const [name, { looks }] of Object.entries(RECORDED)) {
        if (name.startsWith("broken") !== (label === "Broken")) continue;
        const { losing, possible } = outcomesOf(looks);
        const count = `${losing.length} of ${possible.length}`;
        group.append(new Option(`${name}: ${count} go wrong`, name));
      }
      select.append(group);
    }
    select.addEventListener("change", () => {
      this.#server = select.value;
      this.#show();
    });
  }

  /** Makes a step of the update, which can be picked, dragged, and moved with the arrow keys. */
  #movable(index        )                {
    const item = itemOf(
      `<button type="button" class="step" aria-describedby="how"><b></b><span></span></button><span class="grip" aria-hidden="true">⠿</span>`,
    );
    const [button, grip] = item.children                            ;
    button?.addEventListener("click", () => {
      this.#picked = index;
      this.#render();
    });
    button?.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
      event.preventDefault();
      this.#move(index, event.key === "ArrowUp" ? -1 : 1);
    });
    grip?.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.#picked = index;
      this.#drag(item, index);
    });
    return item;
  }

  /** Moves a step to where the pointer is, until that is let go. */
  #drag(item               , index        )       {
    item.classList.add("dragging");
    this.#render();
    const follow = ({ clientY }              ) => {
      const above = this.#items.l.filter((other) => {
        const { top, bottom } = other.getBoundingClientRect();
        return (top + bottom) / 2 < clientY;
      });
      const by = above.length - (this.#order[index] ?? 0);
      if (by !== 0) this.#move(index, by);
    };
    const drop = new AbortController();
    const end = () => {
      drop.abort();
      item.classList.remove("dragging");
    };
    const { signal } = drop;
    addEventListener("pointermove", follow, { signal });
    addEventListener("pointerup", end, { signal });
    addEventListener("pointercancel", end, { signal });
  }

  /** Moves a step past some of the logout's. Its neighbours make way, since they keep their order. */
  #move(index        , by        )       {
    this.#picked = index;
    const before = (this.#order[index] ?? 0) + by;
    if (before < 0 || before > STAGES.l.length) return;
    const order = this.#order.map((other, at) => {
      if (at < index) return Math.min(other, before);
      return at > index ? Math.max(other, before) : before;
    });
    const place = index + before + 1;
    this.#show(order, `You moved it to place ${place} of ${ALL}.`);
  }

  /** Shows an order, when all of it has happened. */
  #show(order        = this.#order, moved = "")       {
    this.#order = ORDERS.find((one) => `${one}` === `${order}`) ?? order;
    this.#now = this.#last;
    this.#render(moved);
  }

  #step(by        )       {
    // After the last step it begins again.
    const now = this.#now + by > this.#last ? 0 : this.#now + by;
    this.#now = Math.max(0, now);
    this.#render();
  }

  /** Shows the first order that goes wrong, or one after that which is shown. */
  #showLosing(by       )       {
    const losing = this.#losing;
    this.#show(losing[(by && losing.indexOf(this.#order) + 1) % losing.length]);
  }

  #render(moved = "")       {
    const steps = stepsOf(this.#looks, this.#order);
    const start = this.#looks[""] ?? "";
    this.#find("svg").innerHTML = draw(sceneOf(steps, start, this.#now));
    this.#arrange(steps);
    const look = this.#now === 0 ? start : steps[this.#now - 1]?.look;
    this.#tell(steps, look, moved);
    const [server, looks, order] = [this.#server, this.#looks, this.#order];
    this.#find(".count").textContent = countOf(server, looks, order);
    this.#find(".about").textContent = RECORDED[this.#server]?.about ?? "";
    this.#label(steps);
  }

  /** Brings the list into its order. What is dragged, or has the focus, stays where it is in the page. */
  #arrange(steps        )       {
    const items = steps.map(
      ({ chain, index }) => this.#items[chain][index]                 ,
    );
    const isHeld = (item         ) =>
      item.matches(".dragging") || item.contains(this.#root.activeElement);
    const held = Math.max(0, items.findIndex(isHeld));
    items[held]?.before(...items.slice(0, held));
    items[held]?.after(...items.slice(held + 1));
    for (const [at, step] of steps.entries()) {
      const item = items[at]                 ;
      const { chain, index, undoes } = step;
      const isNow = at === this.#now - 1 && this.#now < ALL;
      const isFuture = at >= this.#now;
      item.className = [
        chain,
        item.matches(".dragging") && "dragging",
        isNow && "now",
        isFuture ? "future" : undoes && "undoes",
      ]
        .filter(Boolean)
        .join(" ");
      item.ariaCurrent = isNow ? "step" : null;
      const [first, second] = wordsOf(step);
      const [bold, plain] = item.querySelectorAll("b, b + span");
      if (bold) bold.textContent = `${first} `;
      if (plain) plain.textContent = second;
      const isPicked = chain === "u" && index === this.#picked;
      item.querySelector("button")?.setAttribute("aria-pressed", `${isPicked}`);
    }
  }

  /** Says what has just happened, or how it ended, and what was seen then. */
  #tell(steps        , look = "", moved = "")       {
    const { head, text, kind } = newsOf(this.#server, steps, this.#now);
    const strong = document.createElement("strong");
    strong.textContent = `${head} `;
    const told = this.#find(".told");
    told.replaceChildren(strong, `${text} ${moved}`);
    told.className = `told ${kind}`;
    for (const [letter, wordsOf] of Object.entries(STATES)) {
      const item = this.#find(`#${letter}`);
      item.textContent = wordsOf(look.includes(letter));
      item.classList.toggle("yes", look.includes(letter));
    }
  }

  /** Says what the buttons do now, and which of them do nothing. */
  #label(steps        )       {
    for (const [id, [, can]] of Object.entries(this.#buttons))
      this.#find(`#${id}`).ariaDisabled = can() ? null : "true";
    const picked = steps[this.#picked + this.#before];
    const what = picked ? wordsOf(picked).join(" ") : "";
    this.#find("#earlier").ariaLabel = `Earlier: ${what}`;
    this.#find("#later").ariaLabel = `Later: ${what}`;
    this.#find("#next span:first-child").textContent =
      this.#now === this.#last ? "Step through it" : "Next step";
  }
}

function itemOf(html        )                {
  const item = document.createElement("li");
  item.innerHTML = html;
  return item;
}

if (!customElements.get("logout-race")) {
  customElements.define("logout-race", LogoutRace);
}
}
