import type { PortalModel } from "./model";

/**
 * Whom a page is for is asked here, before anything of it runs. Pluto's own reader of addresses says which page it is, so
 * that there is no other spelling of one; and no portlet is acted on but by a page that it is on.
 */
export function gateJsp(model: PortalModel): string {
  const roles = rolesOf(model);
  return `<%@ page session="false" trimDirectiveWhitespaces="true" import="java.net.URLEncoder, java.util.*" %>
<%@ page import="org.apache.pluto.driver.core.*, org.apache.pluto.driver.services.portal.*, org.apache.pluto.driver.url.*" %>
<%!
  private static final Map<String, List<String>> ROLES = new HashMap<>();
  static {
${roles}
  }
%><%
  PortalURL url;
  try {
    url = new PortalRequestContext(application, request, response).getRequestedPortalURL();
  } catch (RuntimeException e) {
    response.sendError(400);
    return;
  }
  PageConfig wanted = url.getPageConfig(application);
  List<String> roles = ROLES.get(wanted.getName());
  if (roles == null) {
    response.sendError(404);
    return;
  }
  if (!roles.contains("public") && request.getUserPrincipal() == null) {
    response.sendRedirect("/login?page=" + URLEncoder.encode(request.getRequestURI(), "UTF-8"));
    return;
  }
  if (!roles.isEmpty() && !roles.contains("public") && roles.stream().noneMatch(request::isUserInRole)) {
    response.sendError(403);
    return;
  }
  Set<String> windows = new HashSet<>(Arrays.asList(url.getActionWindow(), url.getResourceWindow()));
  windows.remove(null);
  if (!wanted.getPortletIds().containsAll(windows)) {
    response.sendError(404);
    return;
  }
  application.getNamedDispatcher("portal").forward(request, response);
%>
`;
}

/** A page: where to go, and its portlets one after the other. */
export function pageJsp(model: PortalModel): string {
  const roles = rolesOf(model);
  return `<%@ page session="false" contentType="text/html; charset=UTF-8" trimDirectiveWhitespaces="true" %>
<%@ page import="java.util.*, org.apache.pluto.container.*, org.apache.pluto.driver.*" %>
<%@ page import="org.apache.pluto.driver.core.*, org.apache.pluto.driver.services.portal.*" %>
<%!
  private static final Map<String, List<String>> ROLES = new LinkedHashMap<>();
  static {
${roles}
  }
  private static String text(String any) {
    return any == null ? "" : any.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\\"", "&quot;");
  }
%><%
  PageConfig here = (PageConfig) request.getAttribute(AttributeKeys.CURRENT_PAGE);
  PortletContainer container = (PortletContainer) application.getAttribute(AttributeKeys.PORTLET_CONTAINER);
  boolean known = request.getUserPrincipal() != null;
%><!DOCTYPE html>
<html lang="en"><head><title><%= text(here.getName()) %></title></head><body>
<nav><% for (Map.Entry<String, List<String>> one : ROLES.entrySet()) {
  List<String> roles = one.getValue();
  boolean open = roles.contains("public") || known && (roles.isEmpty() || roles.stream().anyMatch(request::isUserInRole));
  if (open) { %><a href="/portal/<%= text(one.getKey()) %>"><%= text(one.getKey()) %></a> <% }
} %><%= known ? text(request.getRemoteUser()) + " <a href=\\"/logout\\">Log out</a>" : "<a href=\\"/login\\">Log in</a>" %></nav>
<main>
<% for (Object id : here.getPortletIds()) {
  PortalServletResponse answer = new PortalServletResponse(response);
  boolean failed = false;
  request.removeAttribute(AttributeKeys.PORTLET_TITLE);
  try {
    PortletWindowConfig window = PortletWindowConfig.fromId((String) id);
    container.doRender(
        new PortletWindowImpl(container, window, PortalRequestContext.getContext(request).createPortalURL()), request, answer);
  } catch (Exception e) {
    failed = true;
    application.log("portlet " + id, e);
  }
%><section><h2><%= text((String) request.getAttribute(AttributeKeys.PORTLET_TITLE)) %></h2>
<div><%= failed ? "This portlet is not available now." : answer.getInternalBuffer() %></div></section>
<% } %></main></body></html>
`;
}

/** The container's own login, in one request: it works whichever server answers it. */
export const loginJsp = `<%@ page session="false" contentType="text/html; charset=UTF-8" trimDirectiveWhitespaces="true" %>
<%
  request.setCharacterEncoding("UTF-8");
  String wanted = request.getParameter("page");
  if (wanted == null || !wanted.startsWith("/portal/")) wanted = "/portal/";
  boolean failed = false;
  if (request.getMethod().equals("POST")) {
    try {
      if (request.getUserPrincipal() != null) request.logout();
      request.getSession(true);
      request.login(request.getParameter("user"), request.getParameter("password"));
      response.sendRedirect(wanted);
      return;
    } catch (ServletException e) {
      failed = true;
      response.setStatus(401);
    }
  }
  String page_ = wanted.replace("&", "&amp;").replace("\\"", "&quot;").replace("<", "&lt;");
%><!DOCTYPE html>
<html lang="en"><head><title>Log in</title></head><body><main>
<%= failed ? "<p role=\\"alert\\">That is not a user with this password.</p>" : "" %>
<form method="post" action="/login">
<label>User <input name="user" autocomplete="username" autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<input type="hidden" name="page" value="<%= page_ %>">
<button>Log in</button>
</form></main></body></html>
`;

export const logoutJsp = `<%@ page session="false" trimDirectiveWhitespaces="true" %><%
  request.logout();
  HttpSession session = request.getSession(false);
  if (session != null) session.invalidate();
  response.sendRedirect("/portal/");
%>
`;

/**
 * A portlet, for the portal to call. Pluto's own servlet begins it later, in a thread of its own, and only logs what goes
 * wrong: this one is there once the portlet is, and fails with it.
 */
export const portletJsp = `<%@ page session="false" extends="org.apache.pluto.container.driver.PortletServlet" %>
<%@ page import="java.lang.reflect.Proxy, java.util.concurrent.*" %><%!
  private final CountDownLatch tried = new CountDownLatch(1);
  private volatile Throwable failure;

  @Override
  public void init(ServletConfig config) throws ServletException {
    super.init(config);
    String problem = "portlet " + config.getInitParameter("portlet-name") + " does not start: ";
    try {
      if (!tried.await(60, TimeUnit.SECONDS)) throw new ServletException(problem + "the portal is not there");
    } catch (InterruptedException e) {
      throw new ServletException(e);
    }
    if (failure != null) throw new ServletException(problem + failure, failure);
  }

  @Override
  protected boolean attemptRegistration(ServletContext context, ClassLoader loader) {
    Class<?>[] faces = { ServletContext.class };
    ServletContext heard = (ServletContext) Proxy.newProxyInstance(loader, faces, (proxy, method, words) -> {
      if (!method.getName().equals("log")) return method.invoke(context, words);
      failure = words.length > 1 ? (Throwable) words[1] : new IllegalStateException((String) words[0]);
      return null;
    });
    try {
      if (!super.attemptRegistration(heard, loader)) return false;
    } catch (Throwable e) {
      failure = e;
    }
    tried.countDown();
    return true;
  }
%>
`;

/** In Java's words; page names hold nothing that a string there could not. */
function rolesOf({ pages }: PortalModel): string {
  return Object.entries(pages)
    .map(([name, page]) => {
      const roles = page.public ? ["public"] : page.roles;
      return `    ROLES.put("${name}", Arrays.<String>asList(${roles.map((role) => `"${role}"`).join(", ")}));`;
    })
    .join("\n");
}
